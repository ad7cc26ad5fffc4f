"""From the command line: what a version would have been worth had it answered everybody."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.errors import NotFound, UnknownKey
from homeostat.release.route import route
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage


def canary(store: Store, n: int, share: float = 0.3) -> None:
    """A candidate in the canary that is rated well nine times of ten, beside a champion that is half of the time."""
    rng = np.random.default_rng(0)
    release = Release(
        id="rel_9",
        task="routing",
        time=START,
        stage=Stage.CANARY,
        champion="ver_first",
        candidate="ver_next",
        share=share,
    )
    store.releases.put(release)
    rows, said = [], []
    for k in range(n):
        by, chance = route(release, f"int_{k:05}")
        at = START + 1 + k
        rows.append(
            Interaction(
                id=f"int_{k:05}", task="routing", time=at, text=f"request {k}", reply=by, version=by, probability=chance
            )
        )
        good = float(rng.random() < (0.9 if by == "ver_next" else 0.5))
        said.append(
            Feedback(id=f"fbk_{k:05}", interaction=f"int_{k:05}", kind=FeedbackKind.RATING, value=str(good), time=at)
        )
    store.interactions.add(rows)
    store.feedback.add(said)


def test_what_a_candidate_would_have_been_rated(homeostat: Run, shop: Path, store: Store) -> None:
    """The estimate with its interval, beside what others were rated; as a table too."""
    champion(store, "first")
    version(store, "next")
    canary(store, 600)
    found = homeostat("hindsight", "ver_next", "--config", shop, "--json").json
    assert found["value"]["score"]["low"] < 0.9 < found["value"]["score"]["high"]
    assert found["others"] < 0.6
    assert found["reached"] == found["requests"] == 600
    shown = homeostat("hindsight", "ver_next", "--config", shop)
    assert "rating of ver_next, had it answered everybody, over the last 30 days of the log" in shown.out
    assert "600 of 600 requests could have been given to it" in shown.out


def test_too_little_is_refused_with_a_number(homeostat: Run, shop: Path, store: Store) -> None:
    """Twenty requests: no estimate, and how many more it takes; nobody corrected anything either."""
    champion(store, "first")
    version(store, "next")
    canary(store, 20)
    ran = homeostat("hindsight", "ver_next", "--config", shop)
    assert ran.code == 0
    assert "more requests, routed as these 20 were" in ran.out
    found = homeostat("hindsight", "ver_next", "--outcome", "corrected", "--config", shop, "--json").json
    assert found["value"]["score"] is None
    assert found["value"]["naive"] == 0.0


def test_what_there_is_not(homeostat: Run, shop: Path, store: Store) -> None:
    """A version and an outcome that do not exist; an outcome is answered with the nearest."""
    champion(store, "first")
    assert homeostat("hindsight", "ver_frist", "--config", shop).code == NotFound.exit
    ran = homeostat("hindsight", "ver_first", "--outcome", "ratings", "--config", shop)
    assert ran.code == UnknownKey.exit
    assert "rating" in ran.err
