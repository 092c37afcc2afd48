"""The gate's tables as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.benchmark.gate.second_look import ERRS, LABELS
from core.benchmark.gate.sites import TRADE_APCER, TRADE_BPCER


def page(result: Mapping[str, Any]) -> str:
    """The whole page of a result."""
    drawn, harm = result["drawn_sites"], result["drawn_sites"]["harmful_promoted"]
    lines = [
        "# The gate: power, harm, poisoning",
        "",
        f"On {result['hardware']['processor']}. Command: `{result['command']}`.",
        "",
        f"## Sites that were drawn ({drawn['draws']} each)",
        "",
        "Three bona fide presentations a person, four species with three artefacts, two hybrids of every bona fide",
        "presentation; champion BPCER 15 %, APCER 10 %, of simulated attacks what the factory model accepts. A tenth",
        "of the variance of scores is of the person or the artefact; scores of the two models correlate by 0.97.",
        "Promoted, in %, by the number of people who judge:",
        "",
        *_drawn(drawn["rows"]),
        "",
        f"**Harmful candidates promoted: {harm['errors']} of {harm['trials']}** ({_pc(harm['value'])} %, 95 % bounds "
        f"{_pc(harm['low'])} to {_pc(harm['high'])}).",
        "",
        "## Fewer attacks bought by more refusals",
        "",
        f"A champion that accepts {_pc(TRADE_APCER)} % of the attacks and refuses {_pc(TRADE_BPCER)} % of the people;",
        "the candidate halves the APCER, and BPCER rises. Promoted, in %, by people who judge, under the margin of the",
        "plan (`--bpcer-margin`):",
        "",
        *_traded(result["trades"]),
        "",
        "## Poisoned labels",
        "",
        f"Passes of the product on 100 labelled presentations of {result['scenes']['name']} (lobby), judged by the",
        "gate on people who were not adapted on; where labels lie they lie there too. *Worse*: with the true labels of",
        "the same people, complete mask, BPCER + APCER rise or APCER rises by more than a point.",
        "",
        *_poisoned(result["poisoning"]),
        "",
        "## Label flips, caught by a second, blind label",
        "",
        "Somebody else labels some of the presentations again, who takes the other class in",
        f"{_pc(ERRS)} % of them; where the two labels differ the presentation is left out, in both halves.",
        f"What is found of one technician's flips among {LABELS} labels, and the passes:",
        "",
        *_caught(result["flips_caught"]),
        "",
        *_looked_again(result["second_labels"]),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _drawn(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    people = sorted({row["people"] for row in rows})
    by = {(row["truth"], row["people"]): row for row in rows}
    truths = list(dict.fromkeys(row["truth"] for row in rows))
    lines = [_row(["candidate", *map(str, people), "called worse"]), _row(["---"] * (len(people) + 2))]
    for truth in truths:
        told = [by[truth, n] for n in people]
        worse = [f"{_pc(row['answers']['worse'] / row['passed']['trials'])}" for row in told]
        lines.append(_row([truth, *(_pc(row["passed"]["value"]) for row in told), ", ".join(worse)]))
    return lines


def _traded(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    people = sorted({row["people"] for row in rows})
    by = {(row["rise"], row["margin"], row["people"]): row["passed"]["value"] for row in rows}
    lines = [_row(["BPCER rises by", "margin", *map(str, people)]), _row(["---"] * (len(people) + 2))]
    for rise, margin in dict.fromkeys((row["rise"], row["margin"]) for row in rows):
        lines.append(_row([f"{_pc(rise)}", f"{_pc(margin)}", *(_pc(by[rise, margin, n]) for n in people)]))
    return lines


def _poisoned(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ["poison", "share", "passes", "worse", "passed", "**worse and passed**", "called worse", "BPCER", "APCER"]
    lines = [_row(head), _row(["---"] * len(head))]
    for row in rows:
        lines.append(_row([row["poison"], f"{_pc(row['share'])} %", *_answers(row)]))
    return lines


def _caught(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ["flipped", "labelled twice", "flips found, of all", "any flip found (95 % bounds)", "true ones left out"]
    lines = [_row(head), _row(["---"] * len(head))]
    for row in rows:
        noticed = row["noticed"]
        seen = f"{_pc(noticed['value'])} % ({_pc(noticed['low'])} to {_pc(noticed['high'])})"
        shares = [f"{_pc(row[name])} %" for name in ("share", "twice", "found")]
        lines.append(_row([*shares, seen, f"{row['wronged']:.1f}"]))
    return lines


def _looked_again(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ["flipped", "labelled twice", "found", "true ones left out", "passes", "worse", "passed"]
    head += ["**worse and passed**", "called worse", "BPCER", "APCER"]
    lines = [_row(head), _row(["---"] * len(head))]
    for row in rows:
        shares = [f"{_pc(row['share'])} %", f"{_pc(row['twice'])} %", f"{row['found']} of {row['flipped']}"]
        lines.append(_row([*shares, str(row["wronged"]), *_answers(row)]))
    return lines


def _answers(row: Mapping[str, Any]) -> list[str]:
    counts = [str(row[name]) for name in ("of", "worse", "passed", "worse_passed", "blocked")]
    return counts + [f"{100.0 * row[name]:+.1f}" for name in ("bpcer", "apcer")]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _pc(value: float) -> str:
    return f"{100.0 * value:.1f}"
