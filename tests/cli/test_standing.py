"""`homeostat split show`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.errors import NotFound
from homeostat.release.registry import rollback
from homeostat.release.route import route
from homeostat.release.split import Wish, open_split
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction

RATED = {"ver_first": 0.5, "ver_good": 1.0, "ver_bad": 0.0}
"""What every reply of each is rated."""


@pytest.fixture
def split(store: Store) -> None:
    """A split of three, after 300 rated requests in two tongues."""
    champion(store, "first")
    names = tuple(version(store, name).id for name in ("good", "bad"))
    release = open_split(store, "routing", Wish(versions=names, by="rating"), under="trn_1", now=START + 1)
    rows, said = [], []
    for k in range(300):
        by, chance = route(release, f"e{k}")
        row = Interaction(
            id=f"int_{k}",
            task="routing",
            time=START + 2 + k,
            text="hello",
            reply="refund",
            version=by,
            episode=f"e{k}",
            probability=chance,
        )
        rows.append(row)
        rating = Feedback(
            id=f"fbk_{k}", interaction=row.id, kind=FeedbackKind.RATING, value=str(RATED[by]), time=row.time
        )
        said.append(rating)
    store.interactions.add(rows)
    store.feedback.add(said)


@pytest.mark.usefixtures("split")
def test_how_it_stands(homeostat: Run, shop: Path) -> None:
    """Who is best, who is worse or harmful, by how much beside the champion, and what row is in force."""
    found = homeostat("split", "show", "--json", "--config", shop).json
    assert found["verdicts"] == {"ver_first": "worse", "ver_bad": "harmful", "ver_good": "best"}
    arms = {arm["version"]: arm for arm in found["standing"]["arms"]}
    assert sum(arm["episodes"] for arm in arms.values()) == 300
    assert arms["ver_good"]["beside"]["mean"] == 0.5
    assert 0.0 < arms["ver_good"]["beside"]["low"] < 0.5 < arms["ver_good"]["beside"]["high"]
    assert found["newest_release"]["stage"] == "split"
    ran = homeostat("split", "show", "routing", "--config", shop)
    assert all(word in ran.out for word in ("ver_good", "+50.0 points", "harmful", "split since"))


@pytest.mark.usefixtures("split")
def test_how_it_ended(homeostat: Run, shop: Path, store: Store) -> None:
    """The verdict stays when it is over, with what ended it."""
    rollback(store, "routing", "enough", now=START + 400)
    ran = homeostat("split", "show", "--config", shop)
    assert (ran.code, "rollback since" in ran.out, ": enough" in ran.out) == (0, True, True)
    assert homeostat("split", "show", "--json", "--config", shop).json["verdicts"]["ver_good"] == "best"


def test_where_there_was_none(homeostat: Run, shop: Path, store: Store) -> None:
    """An error that says how to open one."""
    champion(store, "first")
    ran = homeostat("split", "show", "--config", shop)
    assert (ran.code, "homeostat split VERSION" in ran.err) == (NotFound.exit, True)


def test_where_nothing_is_known_yet(homeostat: Run, shop: Path, store: Store) -> None:
    """No figure where nobody was asked, and when it ends."""
    champion(store, "first")
    wish = Wish(versions=(version(store, "good").id,), until=START + 1e9)
    open_split(store, "routing", wish, under="trn_1", now=START + 1)
    out = homeostat("split", "show", "--config", shop).out
    assert "points" not in out
    assert out.count("50.0") == 2  # the shares
    assert "UTC at the latest" in out
