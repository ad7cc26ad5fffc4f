"""What a turn costs beside its training is read from the rows: judges' ratings, and what became of candidates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.config.schema import Config, Decide, Evaluate, Release, Tasks
from homeostat.decide.toll import BAD, GOOD
from homeostat.loop.deciding.charging import READ, charges, ended
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release as Row
from homeostat.types.release import Stage
from homeostat.types.turn import Turn
from homeostat.types.version import State, Version

PRICED = {"judged": {"at_least": 0.7, "prices": {"read": 2.5, "written": 10.0}}}
CONFIG = Config(
    tasks={"a": Tasks(), "priced": Tasks(objectives=PRICED)},
    decide=Decide(horizon_requests=5_000),
    evaluate=Evaluate(margin=0.03),
    release=Release(shadow_pairs=60, canary_feedback=40),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as opened:
        yield opened


def turned(store: Store, number: int, end: str, *, stage: Stage | None = None, task: str = "a") -> str:
    """A turn that made a candidate, and what became of it; the candidate's id."""
    version, diary = f"ver_{number}", {"watch": "", "decide": f"dec_{number}", "train.careful": f"ver_{number}"}
    store.versions.put(Version(id=version, task=task, time=float(number), base="builtin", kind="lora"))
    if stage is not None:
        row = Row(id=f"rel_{number}", task=task, time=float(number), stage=Stage.SHADOW, champion="ver_old")
        store.releases.put(Row(**{name: getattr(row, name) for name in row.__slots__} | {"candidate": version}))
        diary |= {"release": row.id, "stage": stage}
    store.turns.put(Turn(id=f"trn_{number}", task=task, time=float(number), state=end, diary=diary))
    return version


def answer(store: Store, number: int, version: str, *, of: str = "", task: str = "a", tokens: int = 30) -> str:
    """A request that a version answered, or a copy of one."""
    role = Role.SHADOW if of else Role.PRIMARY
    store.interactions.add(
        [
            Interaction(
                id=f"int_{number:05}", task=task, time=float(number), text="t", reply="r", version=version, of=of,
                role=role, prompt_tokens=tokens, reply_tokens=10,
            )
        ]
    )  # fmt: skip
    return f"int_{number:05}"


def say(store: Store, number: int, interaction: str, value: str, source: str) -> None:
    kind = FeedbackKind.LABEL if value.isalpha() else FeedbackKind.RATING
    store.feedback.add(
        [
            Feedback(
                id=f"fbk_{number:05}",
                interaction=interaction,
                kind=kind,
                value=value,
                time=float(number),
                source=source,
            )
        ]
    )


def test_without_any_turn(store: Store) -> None:
    """The prior alone; a canary is presumed that ends when its labels are there, at the pace of labels so far, and is
    no longer than the horizon. Nobody rates, so judges cost nothing.
    """
    for k in range(50):
        row = answer(store, k, "ver_old")
        if k % 5 == 0:
            say(store, k, row, "refund", "desk")
    judging, risk = charges(CONFIG, store, "a", 100.0)
    assert judging is None
    assert (risk.turns, risk.bad, risk.loss) == (0, 0, 0.03)
    assert risk.exposed == pytest.approx(40 / 0.2)
    assert risk.harm == pytest.approx(BAD / (BAD + GOOD) * 200 * 0.03)
    assert charges(CONFIG, store, "priced", 100.0)[1].exposed == pytest.approx(40 / 0.01)


def test_what_became_of_candidates(store: Store) -> None:
    """Refused, taken back in the canary, taken back after it had answered everybody: bad. Released: good. A turn under
    way, one that failed, one of another task and one that made nothing: neither.
    """
    turned(store, 1, "release", stage=Stage.FULL)
    turned(store, 2, "gate")
    turned(store, 3, "release", stage=Stage.ROLLBACK)
    later = turned(store, 4, "release", stage=Stage.FULL)
    for state in (State.SHADOW, State.CANARY, State.LIVE, State.WITHDRAWN):
        store.versions.set_state(later, state)
    turned(store, 5, "open")
    turned(store, 6, "failed")
    turned(store, 7, "gate", task="priced")
    store.turns.put(Turn(id="trn_8", task="a", time=8.0, state="decide", diary={"decide": "dec_8"}))
    risk = charges(CONFIG, store, "a", 100.0)[1]
    assert (risk.turns, risk.bad) == (4, 3)
    assert [one.id for one in ended(store, "a", 100.0)] == ["trn_1", "trn_2", "trn_3", "trn_4"]
    assert charges(CONFIG, store, "a", 3.0)[1].turns == 2


def test_whom_bad_candidates_reached(store: Store) -> None:
    """The requests that they answered, none for one that the gate refused, each beside the one that is presumed; what a
    good one answers counts for nothing.
    """
    good, bad = turned(store, 1, "release", stage=Stage.FULL), turned(store, 2, "release", stage=Stage.ROLLBACK)
    turned(store, 3, "gate")
    for k in range(30):
        row = answer(store, 10 + k, bad if k < 12 else good)
        say(store, 10 + k, row, "refund", "desk")
    for k in range(5):
        answer(store, 50 + k, bad, of="int_00030")
    assert charges(CONFIG, store, "a", 100.0)[1].exposed == pytest.approx((12 + 0 + 40 / (30 / 30)) / 3)


def test_tokens_of_a_pair_and_pairs_of_a_turn(store: Store) -> None:
    """Both replies of a pair are read as the newest rated ones were; the pairs are the copies that judges rated in
    earlier trials, in the mean, and what people or other raters said counts for none.
    """
    for k in range(8):
        say(store, k, answer(store, k, "ver_old", tokens=50), "0.75", "judge:large")
        say(store, 100 + k, f"int_{k:05}", "0.5", "user")
    asked, _ = charges(CONFIG, store, "a", 200.0)
    assert asked is not None
    assert (asked.pairs, asked.trials, asked.ratings) == (60 + 40, 0, 8)
    assert (asked.read, asked.written) == (2 * (50 + 10), 2 * 4)
    for number, rated in ((1, 6), (2, 2)):
        candidate = turned(store, number, "release", stage=Stage.FULL)
        for k in range(10):
            copy = answer(store, 1000 * number + k, candidate, of="int_00001", tokens=50)
            if k < rated:
                say(store, 1000 * number + k, copy, "0.5", "judge")
                say(store, 1000 * number + 500 + k, copy, "0.6", "judge:large")
    tried, _ = charges(CONFIG, store, "a", 9_000.0)
    assert tried is not None
    assert (tried.pairs, tried.trials) == (4.0, 2)
    assert tried.cost == 0.0
    assert charges(CONFIG, store, "a", 0.0)[0] is None


def test_only_the_newest_ratings_are_read(store: Store) -> None:
    """A judge that reads longer replies now costs what it costs now."""
    store.interactions.add(
        Interaction(
            id=f"int_{k}", task="a", time=1.0, text="t", reply="r", version="v", prompt_tokens=10 if k < 20 else 90
        )
        for k in range(READ + 20)
    )
    kind = FeedbackKind.RATING
    store.feedback.add(
        Feedback(id=f"fbk_{k}", interaction=f"int_{k}", kind=kind, value="1", time=float(k), source="judge")
        for k in range(READ + 20)
    )
    asked, _ = charges(CONFIG, store, "a", 1e6)
    assert asked is not None
    assert (asked.ratings, asked.read) == (READ, 2 * 90)


def test_the_price_is_that_of_the_objective_about_judges(store: Store) -> None:
    """Of a million tokens read, and written, as `prices` there says."""
    say(store, 1, answer(store, 1, "ver_old", task="priced"), "0.9", "judge")
    asked, _ = charges(CONFIG, store, "priced", 10.0)
    assert asked is not None
    assert asked.cost == pytest.approx(100 * (80 * 2.5 + 6 * 10.0) / 1e6)
