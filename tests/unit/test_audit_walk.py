"""The chain without a file: no byte, no order and no gap passes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import AuditFault
from storage.audit_key import ChainKey
from storage.audit_report import AuditReport
from storage.audit_walk import ChainWalk
from tests.unit.audit_logs import COLUMNS, ENTRIES, faults


def chained() -> tuple[ChainKey, list[dict[str, Any]]]:
    """The rows of a log, without a file."""
    key, rows = ChainKey(b"k" * 32), []
    previous = bytes(32)
    for number in range(1, ENTRIES + 1):
        row: dict[str, Any] = {
            "id": number, "utc_s": 1.0 * number, "actor": "a", "action": "b", "object_kind": "c", "object": "d",
            "reason": "é", "details": "{}", "previous_hash": previous, "key": None, "chain": key.id,
        }  # fmt: skip
        previous = row["entry_hash"] = key.entry_hash(row)
        rows.append(row)
    return key, rows


def walked(key: ChainKey, rows: list[dict[str, Any]]) -> AuditReport:
    walk = ChainWalk(key, (), (), whole=True)
    for row in rows:
        walk.step(row)
    return walk.report()


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("entry", range(1, ENTRIES + 1))
def test_no_column_of_no_row_can_change(column: str, entry: int) -> None:
    key, rows = chained()
    rows[entry - 1][column] = "k" if column == "key" else COLUMNS[column]
    assert walked(key, rows).first_bad == entry


@given(entry=st.integers(1, ENTRIES), column=st.sampled_from(("actor", "reason", "details", "object")), data=st.data())
def test_no_byte_of_a_text_can_change(entry: int, column: str, data: st.DataObject) -> None:
    """Any other text, also one that is no UTF-8 (as `audit_rows` reads it)."""
    key, rows = chained()
    old = rows[entry - 1][column]
    rows[entry - 1][column] = data.draw(
        st.text().filter(lambda text: text != old) | st.just("\udcff") | st.just(old + "\x00")
    )
    assert [(f.fault, f.entry) for f in walked(key, rows).findings] == [(AuditFault.CHANGED, entry)]


@given(order=st.permutations(range(ENTRIES)), renumber=st.booleans())
def test_no_order_but_the_written_one_passes(order: list[int], renumber: bool) -> None:
    key, rows = chained()
    mixed = [{**rows[place], **({"id": n} if renumber else {})} for n, place in enumerate(order, start=1)]
    first = next((n for n, place in enumerate(order, start=1) if place != n - 1), None)
    assert walked(key, mixed).first_bad == first


@given(gone=st.sets(st.integers(1, ENTRIES - 1), min_size=1), renumber=st.booleans())
def test_removed_rows_are_found_behind_new_numbers_too(gone: set[int], renumber: bool) -> None:
    key, rows = chained()
    left = [row for row in rows if row["id"] not in gone]
    report = walked(key, [{**row, **({"id": n} if renumber else {})} for n, row in enumerate(left, start=1)])
    assert report.first_bad == min(gone)
    assert renumber or AuditFault.MISSING in faults(report)
