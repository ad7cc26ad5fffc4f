"""Making a student, listing students, and teaching them again, from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, request, version
from homeostat.config.load import load
from homeostat.errors import ModelNotFound, NoTeacher, NotFound, NothingReleased, UnknownPlugin
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import promote
from homeostat.types.version import State
from server import completion, speaking

LABELS = ("refund", "delivery")


@pytest.fixture
def workshop(small: Path) -> Iterator[Workshop]:
    """A champion that knows two labels, another version, and forty requests of which nobody has said what is right."""
    shop = Workshop.open(load(small))
    champion(shop.store, "old", labels=LABELS)
    version(shop.store, "other", labels=LABELS)
    for k in range(40):
        request(shop.store, k * 7919, "ver_old")
    yield shop
    shop.close()


@pytest.fixture
def student(homeostat: Run, small: Path, workshop: Workshop, tmp_path: Path) -> str:
    """A base for students, made of the project's own."""
    folder = tmp_path / "student"
    ran = homeostat("smaller", folder, "--layers", 1, "--words", 30, "--task", "routing", "--config", small, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["parameters"] < ran.json["of"]
    return str(folder)


def test_a_student_from_the_champion(homeostat: Run, small: Path, workshop: Workshop, student: str) -> None:
    """A dry run says what would be asked and writes nothing; then everything is asked once, and a candidate that names
    its teacher stands beside the champion; asked again, nothing is left to ask, and it is the same one.
    """
    given = ("distill", "routing", "--base", student, "--config", small, "--json")
    told = homeostat(*given, "--dry-run").json
    assert (told["teacher"], told["requests"], told["to ask"]) == ("ver_old", 40, 40)
    assert len(workshop.store.versions.list()) == 2
    ran = homeostat(*given)
    assert ran.code == 0, ran.err
    made = workshop.store.versions.get(ran.json["version"])
    assert (made.state, made.teachers, made.labels) == (State.CANDIDATE, ("ver_old",), LABELS)
    assert workshop.store.aliases.get("routing", "champion") == "ver_old"
    assert homeostat(*given, "--dry-run").json["to ask"] == 0
    assert homeostat(*given).json["version"] == made.id
    assert homeostat("verify", "--config", small).code == 0


def test_a_student_of_several(homeostat: Run, small: Path, workshop: Workshop, student: str) -> None:
    """Two versions teach as an ensemble, and both are named."""
    pair = ("--teacher", "ver_old", "--teacher", "ver_other")
    ran = homeostat("distill", "routing", "--base", student, *pair, "--config", small)
    assert ran.code == 0, ran.err
    assert "ver_old, ver_other" in ran.out


def test_a_student_of_a_model_elsewhere(homeostat: Run, small: Path, workshop: Workshop, student: str) -> None:
    """A server answers each request once; its address and model stand in the version as its teacher."""
    with speaking(lambda body: (200, completion("refund", {"refund": -0.1, "del": -2.4}))) as (url, met):
        name = f"{url}#large"
        given = ("distill", "routing", "--base", student, "--teacher", name, "--config", small, "--json")
        ran = homeostat(*given)
        assert ran.code == 0, ran.err
        assert len(met) == 40
        assert {body["model"] for body in met} == {"large"}
        assert homeostat(*given).json["version"] == ran.json["version"]
        assert len(met) == 40
    made = workshop.store.versions.get(ran.json["version"])
    assert made.teachers == (name,)
    assert "told" in str(made.recipe["objective"])
    with speaking(lambda body: (401, "no key")) as (url, _):
        refused = homeostat("distill", "routing", "--base", student, "--teacher", f"{url}#x", "--config", small)
    assert refused.code == NoTeacher.exit
    assert "OPENAI_API_KEY" in Path("docs/reference/errors/E307.md").read_text(encoding="utf-8")


def test_students_that_are_due(homeostat: Run, small: Path, workshop: Workshop, student: str) -> None:
    """None while the teacher is what it was; when a version that goes on from it answers everybody, the student is due,
    and `--update` makes a candidate that goes on from the student.
    """
    made = homeostat("distill", "routing", "--base", student, "--config", small, "--json").json["version"]
    (row,) = homeostat("students", "--config", small, "--json").json["students"]
    assert (row["student"], row["due"], row["update"]) == (made, False, "none")
    version(workshop.store, "new", labels=LABELS, parent="ver_old", time=START + 9)
    promote(workshop.store, "routing", "ver_new", "for a test", now=START + 9)
    (row,) = homeostat("students", "--config", small, "--json").json["students"]
    assert (row["newest"], row["due"], row["update"]) == (["ver_new"], True, "due")
    (row,) = homeostat("students", "--update", "--config", small, "--json").json["students"]
    after = workshop.store.versions.get(row["update"])
    assert (after.parent, after.teachers, after.state) == (made, ("ver_new",), State.CANDIDATE)
    ran = homeostat("students", "--config", small)
    assert after.id in ran.out
    assert made not in ran.out


def test_what_is_refused(homeostat: Run, small: Path, workshop: Workshop, tmp_path: Path) -> None:
    """A teacher that is not there, a base that is not there, an unknown recipe, a task that nobody answers."""
    given = ("distill", "routing", "--config", small, "--base")
    assert homeostat(*given, "builtin", "--teacher", "ver_nobody").code == NotFound.exit
    assert homeostat(*given, tmp_path / "nowhere").code == ModelNotFound.exit
    assert homeostat(*given, "builtin", "--recipe", "studnet").code == UnknownPlugin.exit
    assert homeostat("distill", "replies", "--config", small, "--base", "builtin").code == NothingReleased.exit
    assert len(workshop.store.versions.list()) == 2
