"""PAI types of the collections as species of ours.

A type that our list has no word for keeps the collection's own (``makeup``, ``tattoo``, ``pai_03``): species are free
text in a manifest, and two kinds of attack that papers report apart must not share a row.
"""

from __future__ import annotations

from core.codes import Species

MAKEUP = "makeup"
TATTOO = "tattoo"
WIG = "wig"

IDIAP: dict[str, str] = {
    "fakehead": Species.MANNEQUIN,
    "mannequin": Species.MANNEQUIN,
    "papermask": Species.MASK_PAPER,
    "rigidmask": Species.MASK_RIGID,
    "flexiblemask": Species.MASK_FLEXIBLE,
    "glasses": Species.PARTIAL,
    "prints": Species.PRINT_FLAT,
    "print": Species.PRINT_FLAT,
    "replay": Species.REPLAY_TABLET,
    "makeup": MAKEUP,
    "tattoo": TATTOO,
    "wig": WIG,
}
"""Attack categories of WMCA and HQ-WMCA as their protocol files write them, in lower case."""

CEFA_PAI: dict[int, str] = {
    1: Species.BONA_FIDE,
    2: Species.PRINT_BENT,
    3: Species.PRINT_FLAT,
    4: Species.REPLAY_TABLET,
}
"""Fifth field of a CeFA clip: 1 real, 2 print on cloth, 3 picture, 4 screen (its kind is not stated)."""

CEFA_MASK: dict[int, str] = {1: Species.MASK_RIGID, 2: Species.MASK_FLEXIBLE}
"""First field of a CeFA mask clip: 1 printed 3-D mask, 2 silicone mask."""

SURF_CLIPS: dict[str, str] = {
    "real": Species.BONA_FIDE,
    "01_e_s": Species.PRINT_CUTOUT,
    "02_e_b": Species.PRINT_CUTOUT,
    "03_en_s": Species.PRINT_CUTOUT,
    "04_en_b": Species.PRINT_CUTOUT,
    "05_enm_s": Species.PRINT_CUTOUT,
    "06_enm_b": Species.PRINT_CUTOUT,
}
"""CASIA-SURF clips: prints with eyes (e), nose (n), mouth (m) cut out, held still (s) or bent (b)."""


def idiap_species(attack: str) -> str | None:
    """Species of ``bonafide``, ``attack/3D/rigidmask``, ``attack/Makeup``, ...; ``None`` where it is not known."""
    kind = attack.strip().split("/")[-1].lower()
    return "" if kind in ("bonafide", "bona_fide", "real") else IDIAP.get(kind)


def wmca_species(kind: int, pai: int) -> str | None:
    """Species by the last two fields of a WMCA name; ``None`` for a code that the collection does not define.

    After the collection's own table of instruments (bob.pad.face, ``lists/batl/idiap_converter_v2.json``): type 1 holds
    three rigid masks and five wigs, type 3 three electronic photographs.
    """
    if kind == 0:
        return Species.BONA_FIDE
    if kind == 1:
        if pai in (2, 13, 14):
            return Species.MASK_RIGID
        return WIG if 8 <= pai <= 12 else Species.PARTIAL
    if kind == 2:
        return _wmca_presented(pai)
    if kind == 3:
        return Species.REPLAY_TABLET if pai in (5, 10, 15) else Species.PRINT_FLAT
    return {4: Species.REPLAY_TABLET.value, 5: MAKEUP}.get(kind)


def padisi_species(code: str) -> str | None:
    """Species of ``m00000`` (bona fide) or ``m5CCSS``; only code 06 (make-up) is public. ``None`` where malformed."""
    if code == "m00000":
        return Species.BONA_FIDE
    if len(code) != 6 or not code.startswith("m5") or not code[2:].isdigit():
        return None
    return MAKEUP if code[2:4] == "06" else f"pai_{code[2:4]}"


def _wmca_presented(pai: int) -> str | None:
    if 1 <= pai <= 7:
        return Species.MANNEQUIN
    if 8 <= pai <= 11:
        return Species.MASK_PAPER
    if 12 <= pai <= 17:
        return Species.MASK_RIGID
    return Species.MASK_FLEXIBLE if pai == 18 or 75 <= pai <= 99 else None
