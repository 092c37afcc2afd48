"""Tables of a result as Markdown, for people: the same numbers as in the JSON, in per cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NOTE = (
    "Macro HTER at the threshold of source-dev, in %, mean over targets and seeds; in brackets the 95 % bounds of the "
    "hierarchical bootstrap (target x seed x subject)."
)


def report_text(result: Mapping[str, Any]) -> str:
    """The whole Markdown file of one result."""
    lines = [f"# {result['protocol']} on {result['scenes']['name']}, {result['size']['name']}", ""]
    lines += _head(result)
    lines += [_NOTE, "", *main_table(result), ""]
    if "comparison" in result["summary"]:
        note = [_COMPARISON_NOTE, *([_ONE_SEED_NOTE] if len(result["seeds"]) == 1 else [])]
        lines += ["## Ours against each other method", "", *note, "", *comparison_table(result), ""]
    lines += ["## All figures", "", *figure_table(result), ""]
    if len(result["targets"]) > 1:
        lines += ["## By target", "", *target_table(result), ""]
    if result.get("complementary"):
        lines += ["## Predicted against true features on the target", "", *cosine_table(result["complementary"]), ""]
    return "\n".join(lines).rstrip() + "\n"


_COMPARISON_NOTE = (
    "Gain: macro HTER of the other method minus ours, percentage points, mean over the table's columns; positive where "
    "ours is better. p by the paired hierarchical bootstrap, corrected by Holm over the methods. Cells (target, seed, "
    "column) are won or lost where the 95 % bounds of the paired difference leave out 0."
)

_ONE_SEED_NOTE = (
    "One seed: bounds and p are of the people and the targets that were drawn. How far another seed of the same "
    "training would have come out is in neither, and was more than any difference here where it was tried."
)


def _head(result: Mapping[str, Any]) -> list[str]:
    scenes, hardware = result["scenes"], result["hardware"]
    seeds = ", ".join(map(str, result["seeds"]))
    frozen = "" if scenes["frozen"] else " (not the frozen ones)"
    return [
        f"Scenes `{scenes['digest'][:16]}`{frozen}; targets {', '.join(result['targets'])}; seeds {seeds}; "
        f"{result['counts']['presentations']} presentations of {result['counts']['subjects']} subjects judged.",
        "",
        f"About {result['hours']:.2f} hours of one core on {hardware['processor']} ({hardware['cores']} cores), "
        f"torch {hardware['torch']}, {hardware['arithmetic']}. Command: `{result['command']}`.",
        "",
    ]


def main_table(result: Mapping[str, Any]) -> list[str]:
    """Methods by conditions: macro HTER with bounds."""
    methods, titles = result["summary"]["methods"], result["methods"]
    names = result["conditions"]
    lines = [_row(["method", *names, "mean"]), _row(["---"] * (len(names) + 2))]
    best = [min(m["conditions"][n]["macro_hter_estimate"]["value"] or 0.0 for m in methods.values()) for n in names]
    for method, told in methods.items():
        cells = []
        for name, least in zip(names, best, strict=True):
            one = told["conditions"][name]["macro_hter_estimate"]
            text = f"{_percent(one['value'])} [{_percent(one['low'])}, {_percent(one['high'])}]"
            cells.append(f"**{text}**" if one["value"] == least else text)
        lines.append(_row([titles[method]["title"], *cells, _percent(told["mean_macro_hter"])]))
    return lines


def comparison_table(result: Mapping[str, Any]) -> list[str]:
    """Ours against the others over all conditions."""
    lines = [
        _row(["against", "gain", "95 % bounds", "p", "p (Holm)", "won / tied / lost", "verdict"]),
        _row(["---"] * 7),
    ]
    for one in result["summary"]["comparison"]:
        gain = one["gain"]
        lines.append(
            _row([
                result["methods"][one["other"]]["title"], _points(gain["value"]),
                f"[{_points(gain['low'])}, {_points(gain['high'])}]", f"{one['p']:.3f}", f"{one['p_holm']:.3f}",
                f"{one['wins']} / {one['ties']} / {one['losses']}", one["verdict"],
            ])
        )  # fmt: skip
    return lines


_FIGURES = (
    ("macro_hter", "macro HTER"), ("apcer_max", "APCER max"), ("auc", "AUC"), ("eer", "EER"), ("bpcer", "BPCER"),
    ("pooled_hter", "pooled HTER"), ("oracle_hter", "oracle HTER (literature)"), ("ece", "ECE"), ("aurc", "AURC"),
    ("non_response", "non-response"),
)  # fmt: skip


def figure_table(result: Mapping[str, Any]) -> list[str]:
    """Every figure of every method under the first condition, and parameters."""
    first = result["conditions"][0]
    lines = [f"Under `{first}`; the other conditions stand in the JSON.", ""]
    lines += [_row(["method", *(title for _, title in _FIGURES), "parameters"]), _row(["---"] * (len(_FIGURES) + 2))]
    for method, told in result["summary"]["methods"].items():
        values = told["conditions"][first]
        cells = [_percent(values[name]) for name, _ in _FIGURES]
        lines.append(_row([result["methods"][method]["title"], *cells, f"{result['methods'][method]['parameters']:,}"]))
    return lines


def target_table(result: Mapping[str, Any]) -> list[str]:
    """Macro HTER by target under the first condition: mean over seeds, and their spread."""
    first, targets = result["conditions"][0], result["targets"]
    named = [dict(zip(result["cells"]["columns"], row, strict=True)) for row in result["cells"]["rows"]]
    lines = [f"Macro HTER in % under `{first}`: mean over seeds (standard deviation over seeds).", ""]
    lines += [_row(["method", *targets]), _row(["---"] * (len(targets) + 1))]
    for method in result["summary"]["methods"]:
        cells = []
        for target in targets:
            values = [
                row["macro_hter"]
                for row in named
                if (row["method"], row["target"], row["condition"]) == (method, target, first)
                and row["macro_hter"] is not None
            ]
            cells.append(_mean_and_spread(values))
        lines.append(_row([result["methods"][method]["title"], *cells]))
    return lines


def cosine_table(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Cosine of predicted to true features, by what predicts and of whom."""
    lines = [
        "Cosine of the complementary feature c_m to the encoder's own F_m (mean over positions and seeds), beside the "
        "cosine of the same prediction to another presentation's F_m and of the mean bona fide feature of training.",
        "",
        _row(["predicted", "from", "class", "own", "another's", "mean feature"]),
        _row(["---"] * 6),
    ]
    return lines + [
        _row([one["predicted"], one["sources"], one["class"], f"{one['own']:.3f}", f"{one['another']:.3f}",
              f"{one['mean_feature']:.3f}"])
        for one in found
    ]  # fmt: skip


def _mean_and_spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return _percent(mean)
    spread = (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5
    return f"{_percent(mean)} ({_percent(spread)})"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100.0 * value:.1f}"


def _points(value: float | None) -> str:
    return "" if value is None else f"{100.0 * value:+.1f}"
