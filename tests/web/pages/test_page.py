from __future__ import annotations

import pytest

from homeostat.config.schema import Config
from homeostat.errors import BadRequest, UnknownKey
from homeostat.store import Store
from homeostat.types.release import Release, Stage
from homeostat.web.pages.page import champion, chosen_task, chosen_version, found, moment
from web import factory

CONFIG = factory.config()


def test_the_first_task_is_shown_unless_another_is_asked_for() -> None:
    """One that is not configured is refused; a project without tasks has none."""
    assert chosen_task(CONFIG, {}) == "routing"
    assert chosen_task(CONFIG, {"task": "replies"}) == "replies"
    assert chosen_task(Config(), {}) == ""
    with pytest.raises(UnknownKey):
        chosen_task(CONFIG, {"task": "nowhere"})


def test_who_answers_is_told_by_the_release_and_else_by_name(store: Store) -> None:
    """A release that is open names its champion; before the first there may be an alias, or nobody."""
    release = Release(id="rel_x", task="routing", time=1.0, stage=Stage.FULL, champion="ver_x")
    assert champion(store, "routing", release) == "ver_x"
    assert champion(store, "routing", None) == factory.SECOND
    assert champion(store, "replies", None) == ""


def test_the_version_is_the_champion_unless_another_is_asked_for(store: Store) -> None:
    """With the versions that may be chosen, newest first."""
    version, said = chosen_version(store, CONFIG, {})
    assert version == factory.SECOND
    assert said["versions"] == [factory.SECOND, factory.REFUSED, factory.FIRST]
    assert chosen_version(store, CONFIG, {"version": factory.FIRST})[0] == factory.FIRST
    assert chosen_version(store, CONFIG, {"task": "replies"})[0] == ""


def test_what_is_gone_is_none(store: Store) -> None:
    """A page goes on without a noun that was erased, and asks nothing of an empty id."""
    assert found(store.signals, factory.SIGNAL) is not None
    assert found(store.signals, "sig_gone") is None
    assert found(store.signals, "") is None


@pytest.mark.parametrize(("asked", "time"), [({}, 7.0), ({"until": ""}, 7.0), ({"until": "1.5"}, 1.5)])
def test_moments_are_seconds(asked: dict[str, str], time: float) -> None:
    """Left out, they are what the page takes."""
    assert moment(asked, "until", 7.0) == time
    with pytest.raises(BadRequest, match="yesterday"):
        moment({"until": "yesterday"}, "until", 7.0)
