"""The knobs: how many, how documented, and what a task becomes."""

import runpy
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from homeostat.config.decode import compose, decode
from homeostat.config.schema import Config, Tasks
from homeostat.errors import UnknownKey
from homeostat.types.task import Kind, Task

DOCS = Path(__file__).parents[2] / "docs"
SCRIPT = runpy.run_path(str(DOCS / "configuration_page.py"))


def test_number_of_knobs() -> None:
    """There are at most 100 knobs, and none is listed twice."""
    knobs = SCRIPT["knobs"]()
    assert len(set(knobs)) == len(knobs)
    assert 40 <= len(knobs) <= 100


def test_every_knob_has_a_text() -> None:
    """Every row of the page ends with a sentence, so every knob has a text under it."""
    rows = [line for line in SCRIPT["page"]().splitlines() if line.startswith("| `")]
    assert [row for row in rows if not row.endswith(". |")] == []


def test_page_is_current() -> None:
    """The reference page in the repository is the one that the script makes."""
    assert (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8") == SCRIPT["page"]()


def test_every_default_keeps_its_own_limits() -> None:
    """A file that spells out every default is accepted, so no default lies outside its range."""
    lines = [line.split("|")[1:3] for line in SCRIPT["page"]().splitlines() if line.startswith("| `")]
    for name, default in lines:
        section, _, key = name.strip(" `").partition(".")
        if key and "NAME" not in name and "`" in default:
            text = f"{section}: {{{key}: {default.strip(' `')}}}"
            assert decode(Config, compose(text, "test")) == Config(), text


def test_config_is_frozen() -> None:
    """Nobody changes a knob behind another's back."""
    with pytest.raises(FrozenInstanceError):
        Config().gateway.port = 1  # type: ignore[misc]


def test_places_default_to_the_folder() -> None:
    """Without a URL or a blobs folder, both lie in the project's folder."""
    config = Config(folder="/data/p")
    assert config.database == "sqlite:////data/p/homeostat.db"
    assert config.blobs == "/data/p/blobs"


@pytest.mark.parametrize(("kind", "metric"), [(Kind.LABEL, "accuracy"), (Kind.TEXT, "chrf")])
def test_task_gets_its_default_metric(kind: Kind, metric: str) -> None:
    """A task without a metric is measured by accuracy for labels and chrF for text."""
    config = Config(tasks={"t": Tasks(kind=kind, instruction="Answer.", labels=("a",))})
    assert config.task("t") == Task(name="t", kind=kind, instruction="Answer.", metric=metric, labels=("a",))


def test_unknown_task_names_the_nearest() -> None:
    """Asking for a task that does not exist says which one was probably meant."""
    with pytest.raises(UnknownKey, match="did you mean 'routing'"):
        Config(tasks={"routing": Tasks()}).task("rooting")
