"""Slices are values of tags, neither rare nor nearly everything."""

from dataclasses import replace

from homeostat.release.slices import MOST_SLICES, names, slices_of
from release.rehearsal import RIGHT, interaction

OLD = "ver_old"


def test_a_request_is_in_a_slice_for_each_of_its_tags() -> None:
    """And in none without a tag."""
    row = interaction("int_1", OLD, RIGHT)
    assert names(row) == []
    assert names(replace(row, tags={"segment": "home", "language": "de"})) == ["segment=home", "language=de"]


def test_rare_values_and_those_of_everybody_are_left_out() -> None:
    """The largest first, by the share of the rows."""
    row = interaction("int_1", OLD, RIGHT)
    tags = [{"all": "same", "segment": "home" if k < 60 else "shop" if k < 95 else "school"} for k in range(100)]
    assert slices_of([replace(row, tags=each) for each in tags]) == {"segment=home": 0.6, "segment=shop": 0.35}
    assert slices_of([]) == {}


def test_imported_rows_are_no_traffic() -> None:
    """What only they are tagged with is no slice, and they take nothing from the shares of the others."""
    row = interaction("int_1", OLD, RIGHT)
    live = [replace(row, tags={"segment": "home" if k < 12 else "shop"}) for k in range(20)]
    imported = [replace(row, version="", reply="", tags={"register": "formal", "segment": "home"})] * 30
    assert slices_of([*imported, *live]) == {"segment=home": 0.6, "segment=shop": 0.4}
    assert slices_of(imported) == {}


def test_there_are_no_more_than_can_be_bet_on() -> None:
    """Of tags with many frequent values the most frequent are kept."""
    row = interaction("int_1", OLD, RIGHT)
    rows = [replace(row, tags={f"tag{n}": str(k % 2 if n else k % 3 == 0) for n in range(20)}) for k in range(100)]
    assert len(slices_of(rows)) == MOST_SLICES
