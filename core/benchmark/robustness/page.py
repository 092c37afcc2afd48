"""The report as tables for a reader (Markdown)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def text(result: Row) -> str:
    """Every table of a report by `core.benchmark.robustness.run`."""
    parts = [_clean(result), _flips(result["pgd"]["rows"], "attack"), _flips(result["pgd"]["rows"], "bona_fide")]
    titles = [
        "Untouched presentations, every mask",
        f"Attack presentations that a gradient attack gets accepted ({result['pgd']['steps']} steps)",
        "Bona fide presentations that a gradient attack gets refused or referred",
    ]
    parts.append(_flips(result["square"]["rows"], "attack"))
    questions = result["square"]["queries"]
    titles.append(f"The same, then {questions} questions that move the physics evidence too; every modality present")
    if "transfer" in result:
        auc = f"AUC {result['transfer']['from']['auc']:.3f}; the attacked model {result['transfer']['to_auc']:.3f}"
        parts.append(_flips(result["transfer"]["rows"], "attack"))
        titles.append(f"Made on a network of another seed and transferred ({auc})")
    parts += [_explanation(result["explanation"]), _red_team(result["red_team"])]
    titles += ["Planted conflicts", "Red team"]
    return "\n\n".join(f"### {title}\n\n{part}" for title, part in zip(titles, parts, strict=True)) + "\n"


def _clean(result: Row) -> str:
    rows = [
        [mask, _share(row["attack_accepted"]), _share(row["bona_fide_not_accepted"])]
        for mask, row in result["clean"].items()
    ]
    return _table(("mask", "attacks accepted", "bona fide not accepted"), rows)


def _flips(rows: Sequence[Row], of: str) -> str:
    """A line for each mask and what is changed, a column for each budget."""
    wanted = [row for row in rows if row["of"] == of]
    levels = sorted({row["levels"] for row in wanted})
    found: dict[tuple[str, str], dict[float, Row | None]] = {}
    for row in wanted:
        found.setdefault((row["mask"], row["changed"]), {})[row["levels"]] = row["flipped"]
    return _table(
        ("mask", "changed", *(f"{level:.0f}/255" for level in levels)),
        [
            [mask, changed, *(_share(row[level]) if level in row else "" for level in levels)]
            for (mask, changed), row in found.items()
        ],
    )


def _explanation(told: Row) -> str:
    rows = []
    for name, row in (*told["by_modality"].items(), ("all", told["all"])):
        rows.append(
            [
                name,
                _share(row["named"]),
                _share(row["named_where_seen"]),
                _share(row["named_with_shuffled_weights"]),
                ""
                if row["correlation_with_shuffled_weights"] is None
                else f"{row['correlation_with_shuffled_weights']:+.2f}",
                f"{100 * row['leader_kept_under_a_pixel']:.1f} %",
                f"{100 * row['spread_under_a_pixel']:.1f} %",
            ]
        )
    header = (
        "planted in",
        "named",
        "named where the model sees it",
        "named, weights shuffled",
        "correlation with shuffled",
        "same leader one pixel aside",
        "spread one pixel aside",
    )
    largest = f"Contributions add up to the logit within {told['largest_residue_logits']:.1e}."
    return f"{_table(header, rows)}\n\n{largest}"


def _red_team(told: Row) -> str:
    rows = [[name, _share(share)] for name, share in told["by_species"].items()]
    rows.append(["all", _share(told["searches_that_passed"])])
    rows.append(["all, where a person is accepted", _share(told["where_a_person_passes"])])
    return _table(("species", f"searches of {told['evaluations_each']} presentations that found one that passes"), rows)


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"


def _share(rate: Row | None) -> str:
    if rate is None:
        return "none to try"
    low, high = 100 * rate["low"], 100 * rate["high"]
    return f"{100 * rate['value']:.1f} % ({rate['errors']}/{rate['trials']}; {low:.0f} to {high:.0f})"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(header), ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
