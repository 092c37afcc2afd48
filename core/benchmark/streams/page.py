"""The study's tables as Markdown, in per cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_ASKED = {
    "below_unadapted": "below unadapted, strong and severe",
    "below_threshold_only": "below threshold only, strong and severe",
    "way_to_oracle": "of the way from unadapted to the oracle",
    "best_on_the_mean": "best on the mean, strong and severe",
    "worst_behind_the_best": "behind the best method of a cell, at worst",
}
_BY_CELL = ("none", "threshold_only", "threshold_only_bound", "labels_replay", "ours", "ours_bound", "oracle")


def page(result: Mapping[str, Any]) -> str:
    """The whole page of a result."""
    scenes, hardware = result["scenes"], result["hardware"]
    lines = [
        f"# Streams on {scenes['name']}, {result['size']['name']}",
        "",
        f"Scenes `{scenes['digest'][:16]}`; targets {', '.join(result['targets'])}; seeds "
        f"{', '.join(map(str, result['seeds']))}; {len(result['cells'])} cells. About {result['hours']:.2f} hours of "
        f"one core on {hardware['processor']}, torch {hardware['torch']}, {hardware['arithmetic']}. Command: "
        f"`{result['command']}`.",
        "",
        "Macro HTER in %, mean over the seven masks, on people who are never adapted on; bounds (95 %) by the",
        "bootstrap over target x stream x subject. BPCER and APCER (macro over species) are its two halves: where some",
        "species cannot be told, the same HTER is had by refusing a third of everybody and by refusing nobody.",
        "Thresholds by one rule for all: source-dev, and the labels if any; rows that are called bound have them",
        "in neither error worse than unadapted on the same presentations. Learning rates are weighed by `streams-dev`.",
        "",
        f"## Label-equal, {result['size']['labels']} labels",
        "",
        *_table(result["label_equal"]),
        "",
        *_comparison(result["label_equal"]),
        "",
        *_comparison(result["label_equal"], "comparison_bound", "ours, bound, against"),
        "",
        "## What was asked of it",
        "",
        *_aims(result["aims"]),
        "",
        "## Unlabelled",
        "",
        *_table(result["unlabelled"]),
        "",
        *_comparison(result["unlabelled"]),
        "",
        "## Cell by cell, label-equal",
        "",
        *_cells(result["label_equal"]),
        "",
        "## Harm",
        "",
        *harm_tables(result["harm"]),
    ]
    if "curve" in result:
        lines += ["", "## Labels", "", *_curve(result["curve"], result["titles"])]
        lines += ["", "## Labels of bona fide alone", "", *_flat(result["checkpoint"], result["titles"])]
        lines += ["", "## Ablations, unlabelled", "", *_ablation(result["ablation"])]
        lines += ["", "## Proofs", "", *_proofs(result["proofs"])]
    return "\n".join(lines).rstrip() + "\n"


def _table(table: Mapping[str, Any]) -> list[str]:
    rows = table["methods"]
    severities = list(next(iter(rows.values()))["by_severity"])
    head = [
        "method",
        *severities,
        "all cells",
        "complete mask",
        "BPCER",
        "APCER",
        "AUC",
        "ECE",
        "gain",
        "threshold",
        "calibration",
        "ranking",
    ]
    lines = [_row(head), _row(["---"] * len(head))]
    for one in rows.values():
        low, high = one["bounds"]
        split = one["split"]
        lines.append(
            _row(
                [
                    one["title"],
                    *(_pc(one["by_severity"][s]) for s in severities),
                    f"{_pc(one['macro_hter'])} [{_pc(low)}, {_pc(high)}]",
                    _pc(one["complete"]["value"]),
                    _pc(one["bpcer"]),
                    _pc(one["apcer"]),
                    f"{one['auc']:.3f}",
                    f"{one['ece']:.3f}",
                    *(_points(split[name]) for name in ("gain", "threshold", "calibration", "ranking")),
                ]
            )
        )
    return lines


def _comparison(table: Mapping[str, Any], which: str = "comparison", title: str = "ours against") -> list[str]:
    lines = [
        _row([title, "gain", "95 % bounds", "p (Holm)", "won / tied / lost", "verdict"]),
        _row(["---"] * 6),
    ]
    for one in table[which]:
        gain = one["gain"]
        bounds = f"[{_points(gain['low'])}, {_points(gain['high'])}]"
        won = f"{one['wins']} / {one['ties']} / {one['losses']}"
        other = table["methods"][one["other"]]["title"]
        lines.append(_row([other, _points(gain["value"]), bounds, f"{one['p_holm']:.3f}", won, one["verdict"]]))
    return lines


def _aims(aims: Mapping[str, Any]) -> list[str]:
    lines = [_row(["aim", "asked", "found", "met"]), _row(["---"] * 4)]
    for name, one in aims.items():
        asked, found = (v if isinstance(v, str) else f"{_pc(v)} %" for v in (one["asked"], one["found"]))
        lines.append(_row([_ASKED[name], asked, found, "yes" if one["met"] else "no"]))
    return lines


def _cells(table: Mapping[str, Any]) -> list[str]:
    shown = [m for m in _BY_CELL if m in table["methods"]]
    lines = [
        _row(["cell", "unadapted, complete mask", *(table["methods"][m]["title"] for m in shown)]),
        _row(["---"] * (len(shown) + 2)),
    ]
    return lines + [
        _row([row["cell"], _pc(row["unadapted_complete"]), *(_pc(row[m]) for m in shown)]) for row in table["cells"]
    ]


def harm_tables(harm: Mapping[str, Any]) -> list[str]:
    """The draws of every cell: a line a method, and a line a cell."""
    methods = harm["methods"]
    lines = [
        f"Over {harm['streams']} streams, all draws of each cell; harmed = more than 2 points worse than unadapted.",
        "The cells of a target share the labels of a draw; harmful labels are those with which some cell was harmed.",
        "",
        _row(
            ["method", "macro HTER", "BPCER", "APCER", "gain", "lowest", "highest", "harmed streams", "harmful labels"]
        ),
        _row(["---"] * 9),
    ]
    for one in methods.values():
        gain = one["gain"]
        errors = [_pc(one[name]) for name in ("macro_hter", "bpcer", "apcer")]
        told = [_points(gain[name]) for name in ("mean", "lowest", "highest")]
        lines.append(_row([one["title"], *errors, *told, _rate(one["harmed"]), _rate(one["labels"])]))
    lines += ["", _row(["macro HTER (harmed)", "draws", *(one["title"] for one in methods.values())])]
    lines.append(_row(["---"] * (len(methods) + 2)))
    for row in harm["cells"]:
        told = [f"{_pc(row['macro_hter'][m])} ({row['harmed'][m]})" for m in methods]
        lines.append(_row([row["cell"], str(row["streams"]), *told]))
    return lines


def _curve(curve: Mapping[str, Mapping[str, float]], titles: Mapping[str, str]) -> list[str]:
    counts = list(next(iter(curve.values())))
    lines = [_row(["method", *(f"{n} labels" for n in counts)]), _row(["---"] * (len(counts) + 1))]
    return lines + [_row([titles[m], *(_pc(told[n]) for n in counts)]) for m, told in curve.items()]


def _flat(values: Mapping[str, float], titles: Mapping[str, str]) -> list[str]:
    lines = [_row(["method", "macro HTER"]), _row(["---"] * 2)]
    return lines + [_row([titles[m], _pc(value)]) for m, value in values.items()]


def _ablation(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [_row(["changed", "macro HTER", "ours is better by"]), _row(["---"] * 3)]
    return lines + [_row([one["title"], _pc(one["macro_hter"]), _points(one["gain_of_ours"])]) for one in rows]


def _proofs(proofs: Mapping[str, Any]) -> list[str]:
    labels, weight = proofs["pseudo_labels"]["mean"], proofs["weight"]["mean"]
    lines = [
        f"Pseudo-labels at the source's threshold are wrong for {_pc(labels['wrong'])} % of the rows. AUROC for wrong "
        f"labels: {labels['auroc']['uncertainty']:.3f} by uncertainty across modalities, "
        f"{labels['auroc']['fused_entropy']:.3f} by fused entropy (AURC {labels['aurc']['uncertainty']:.3f} and "
        f"{labels['aurc']['fused_entropy']:.3f}). The product's rule keeps, over all cells:",
        "",
    ]
    for kind, one in labels["kept"].items():
        wrong = f", {_pc(one['wrong'])} % of them wrong" if one["rows"] else ""
        lines.append(f"- {kind}: {one['rows']} of {one['of']} rows{wrong}")
    lines += ["", _row(["wrong labels, %", "coverage", "uncertainty", "fused entropy", "chance", "oracle"])]
    lines.append(_row(["---"] * 6))
    for kind, by_coverage in labels["noise"].items():
        for coverage, one in by_coverage.items():
            told = [_pc(one[name]) for name in ("uncertainty", "fused_entropy", "chance", "oracle")]
            lines.append(_row([kind, coverage, *told]))
    auroc = weight["auroc"]
    lines += [
        "",
        'AUROC of 1 - S_t for "the loss on people who are not adapted on rises within ten steps": '
        f"{'none rose' if auroc is None else f'{auroc:.3f}'} (it rose at {_pc(weight['rises'])} % of the steps).",
    ]
    return lines


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _pc(value: float | None) -> str:
    return "" if value is None or value != value else f"{100.0 * value:.1f}"


def _rate(rate: Mapping[str, Any]) -> str:
    shares = f"{_pc(rate['value'])} % [{_pc(rate['low'])}, {_pc(rate['high'])}]"
    return f"{rate['errors']} of {rate['trials']}, {shares}"


def _points(value: float) -> str:
    return f"{100.0 * value:+.1f}"
