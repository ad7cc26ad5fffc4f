"""A seal tells rows apart by every byte that the database holds of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from homeostat.store import Store, seals, tables
from homeostat.store.rows import columns
from homeostat.types.interaction import Interaction, Role

ROW = Interaction(
    id="int_1",
    task="t",
    time=1.5,
    text="where is it?",
    reply="a",
    version="ver_1",
    probability=0.25,
    prompt_tokens=7,
    tags={"language": "de"},
    embedding=b"\x00\x01",
)


def seal(one: Interaction) -> str:
    return str(seals.sealed(tables.interactions, columns(one), sqlite.dialect())["seal"])


CHANGES: dict[str, Any] = {
    "id": "int_2",
    "time": math.nextafter(1.5, 2.0),
    "text": "where is it!",
    "reply": "",
    "role": Role.SHADOW,
    "probability": 0.5,
    "confidence": math.nan,
    "prompt_tokens": 8,
    "tags": {"language": "dE"},
    "embedding": b"\x00",
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_field_counts(name: str) -> None:
    """A row that differs in one field, were it by the last bit of a number, has another seal."""
    assert seal(replace(ROW, **{name: CHANGES[name]})) != seal(ROW)


def test_fields_do_not_run_into_each_other() -> None:
    """Letters that move from one field to the next make another seal."""
    assert seal(replace(ROW, text="ab", reply="c")) != seal(replace(ROW, text="a", reply="bc"))


def test_tables_do_not_share_seals() -> None:
    """The same values in two tables have different seals, so that no row can be carried over."""
    values = [("id", "a"), ("body", "{}")]
    assert seals.of_raw("versions", values) != seals.of_raw("reports", values)


@given(st.text(), st.floats(), st.integers(0, 2**31), st.dictionaries(st.text(), st.text(), max_size=2), st.binary())
def test_databases_agree(text: str, number: float, count: int, tags: dict[str, str], content: bytes) -> None:
    """SQLite and PostgreSQL are given the same values, so that a row has the same seal in both."""
    one = replace(ROW, text=text, confidence=number, prompt_tokens=count, tags=tags, embedding=content)
    given_ = [
        seals.sealed(tables.interactions, columns(one), dialect)["seal"]
        for dialect in (sqlite.dialect(), postgresql.dialect())
    ]
    assert given_[0] == given_[1]


def test_whole_numbers_are_numbers() -> None:
    """A moment that was given as a whole number is the same moment."""
    assert seal(replace(ROW, time=2)) == seal(replace(ROW, time=2.0))


WRITES: dict[str, Callable[[Store], object]] = {
    "events": lambda s: s.events.append("trn_1", "begin", {"step": "watch", "share": math.nan}),
    "state": lambda s: s.state.put("k", {"a": [1.0, None]}),
    "state changed": lambda s: s.state.change("k", lambda value: {"was": value}),
    "configs": lambda s: s.configs.put("c", "{}"),
    "lineage": lambda s: s.lineage.link("a", "b", "c"),
    "aliases": lambda s: s.aliases.set("t", "champion", "ver_1"),
}


@pytest.mark.parametrize("write", WRITES)
def test_what_is_written_is_sealed(write: str, tmp_path: Path) -> None:
    """Small things are sealed as they are written, first and over what was there."""
    with Store.open(f"sqlite:///{tmp_path}/s.db", tmp_path / "blobs") as store:
        WRITES[write](store)
        WRITES[write](store)
        table = tables.METADATA.tables[write.split()[0]]
        with store._database.read() as connection:
            assert len(list(seals.raw_rows(connection, table))) >= 1
            assert list(seals.changed_rows(connection, table)) == []
