"""A model that changed is told from one that only says things differently each time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from homeostat.monitor.anchors import EVERY, Anchors

PROMPTS = tuple(f"prompt {k}" for k in range(12))
WORDS = ("yes", "no", "perhaps", "certainly not", "it depends")


def said(random: np.random.Generator, chances: list[float], n: int = 8) -> dict[str, list[str]]:
    """Replies of a model that says each of the words so often."""
    return {prompt: [str(word) for word in random.choice(WORDS, n, p=chances)] for prompt in PROMPTS}


OLD, NEW = [0.5, 0.2, 0.1, 0.1, 0.1], [0.3, 0.4, 0.1, 0.1, 0.1]


def test_one_that_changed_is_noticed_soon() -> None:
    """After five looks a fifth of its replies is another: an alarm within four looks, and the bag begins anew."""
    random, anchors = np.random.default_rng(1), Anchors()
    before = [anchors.look(said(random, OLD), random) for _ in range(5)]
    assert not any(look.alarm for look in before)
    assert (before[0].p, before[0].looks, before[4].looks) == (1.0, 1, 5)
    after = [anchors.look(said(random, NEW), random) for _ in range(4)]
    alarm = next(look for look in after if look.alarm)
    assert alarm.evidence >= EVERY
    assert alarm.looks == 1
    assert set(alarm.moved) <= set(PROMPTS)


def test_one_that_always_says_the_same_is_never_suspected() -> None:
    """Without chance there is nothing to permute, and p is 1; another reply to one prompt in twelve counts."""
    random, anchors = np.random.default_rng(2), Anchors()
    for _ in range(6):
        look = anchors.look({prompt: ["the same"] * 3 for prompt in PROMPTS}, random)
        assert (look.p, look.statistic, look.moved) == (1.0, 0.0, ())
    changed = anchors.look({prompt: ["the same" if k else "other"] * 3 for k, prompt in enumerate(PROMPTS)}, random)
    assert changed.p < 0.01
    assert changed.moved == (PROMPTS[0],)


def test_nearly_the_same_letters_count_for_less() -> None:
    """A reply with another ending is nearer than another reply, and both are seen."""
    random = np.random.default_rng(3)
    base = {"p": ["your parcel will be there tomorrow"] * 20}
    small, large = Anchors(), Anchors()
    small.look(base, random)
    large.look(base, random)
    near = small.look({"p": ["your parcel will be there on Monday"] * 20}, random)
    far = large.look({"p": ["I cannot help you with that, sorry!"] * 20}, random)
    assert 0.0 < near.statistic < far.statistic


def test_a_new_prompt_has_nothing_to_be_compared_with() -> None:
    """It joins the bag, and no prompt at all is no evidence."""
    random, anchors = np.random.default_rng(4), Anchors()
    anchors.look({"a": ["x"] * 5}, random)
    assert anchors.look({"b": ["y"] * 5}, random).p == 1.0
    assert anchors.look({}, random).p == 1.0
    assert anchors.look({"a": ["z"] * 5}, random).p < 0.01


def test_it_goes_on_from_what_was_kept() -> None:
    """Through JSON, to the same figures."""
    one, two = np.random.default_rng(5), np.random.default_rng(5)
    whole = Anchors()
    looks = [whole.look(said(one, OLD), one) for _ in range(4)]
    kept: dict[str, object] = Anchors().state()
    for expected in looks:
        anchors = Anchors.restored(json.loads(json.dumps(kept)))
        assert anchors.look(said(two, OLD), two) == expected
        kept = anchors.state()


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_promised() -> None:
    """At one in 30 looks: over 150 runs of 60 looks of a model that never changes, at most one look in 30 alarms; and
    successive p-values say nothing about each other.
    """
    alarms, values = 0, []
    for seed in range(150):
        random, anchors = np.random.default_rng(seed), Anchors(every=30.0, permutations=199)
        looks = [anchors.look(said(random, OLD, 3), random) for _ in range(60)]
        alarms += sum(look.alarm for look in looks)
        values.append([look.p for look in looks if look.looks > 1][:40])
    assert alarms / (150 * 60) <= 1 / 30
    p = np.array([row for row in values if len(row) == 40])
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.012)
    assert abs(np.corrcoef(p[:, 1:].ravel(), p[:, :-1].ravel())[0, 1]) < 0.05


def test_scores_are_compared_as_numbers() -> None:
    """Forty replies scored three times at each of five looks by a judge that wavers: nothing. A tenth milder with most
    of them, the words of its scores as different as ever: an alarm within three looks, and by how much.
    """
    random, anchors = np.random.default_rng(6), Anchors(scores=True)
    worth = random.uniform(0.1, 0.8, 40)

    def scores(mild: float) -> dict[str, list[str]]:
        drawn = np.clip(worth[:, None] + mild + random.normal(0, 0.1, (40, 3)), 0, 1)
        return {f"int_{k}": [repr(round(float(v), 3)) for v in row] for k, row in enumerate(drawn)}

    assert not any(anchors.look(scores(0.0), random).alarm for _ in range(5))
    kept = Anchors.restored(json.loads(json.dumps(anchors.state())))
    looks = [kept.look(scores(0.1), random) for _ in range(3)]
    alarm = next(look for look in looks if look.alarm)
    assert alarm.shift == pytest.approx(0.1, abs=0.03)
    assert sum(look.alarm for look in looks) == 1
