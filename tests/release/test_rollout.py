"""From shadow to canary to full, or back: by rows alone, on a real store."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from homeostat.config.schema import Release as Settings
from homeostat.errors import NothingReleased, NotReleasable
from homeostat.release.breaking import BIASED, Fault, recipe
from homeostat.release.noted import note_error
from homeostat.release.registry import promote, rollback
from homeostat.release.rollout import LONGEST_S, advance, open_canary, open_shadow
from homeostat.release.route import route
from homeostat.release.states import held_until
from homeostat.store import Store
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome
from homeostat.types.turn import REBUILT, Turn
from homeostat.types.version import State
from release.rehearsal import TASK, Traffic, add_verdict, add_version, label, open_store, run, state_of

SETTINGS = Settings(shadow_pairs=60, canary_share=(0.2,), canary_feedback=40, harm_alpha=0.01, harm_margin=0.05)
OLD, NEW = "ver_old", "ver_new"


def prepared(folder: Path) -> Store:
    """A store with a champion, and a candidate that the gate let pass."""
    folder.mkdir(exist_ok=True)
    store = open_store(folder)
    promote(store, TASK, add_version(store, "old"), "first", now=1.0)
    add_verdict(store, add_version(store, "new"), Outcome.PASS)
    return store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """One of them."""
    with prepared(tmp_path / "store") as opened:
        yield opened


def test_a_better_candidate_gets_to_full(store: Store) -> None:
    """Shadow, canary, full: one row each, and the candidate is champion at the end."""
    release = open_shadow(store, TASK, NEW, now=2.0)
    assert (release.stage, release.champion, release.candidate, release.share) == (Stage.SHADOW, OLD, NEW, 0.0)
    assert state_of(store, NEW) is State.SHADOW
    traffic = Traffic(store, accuracy={OLD: 0.7, NEW: 0.95})
    traffic.send(release, 59)
    assert advance(store, TASK, SETTINGS, now=3.0) == release
    traffic.send(release, 1)
    canary = advance(store, TASK, SETTINGS, now=4.0)
    assert (canary.stage, canary.champion, canary.candidate, canary.share) == (Stage.CANARY, OLD, NEW, 0.2)
    assert canary.because.startswith("ver_new answers 20 % of the episodes: no harm shown in 60 pairs (60 judged: ")
    assert state_of(store, NEW) is State.CANARY
    traffic.send(canary, 39)
    assert advance(store, TASK, SETTINGS, now=5.0) == canary
    traffic.send(canary, 1)
    full = advance(store, TASK, SETTINGS, now=6.0)
    assert (full.stage, full.champion, full.candidate, full.share) == (Stage.FULL, NEW, "", 0.0)
    assert full.because.startswith("ver_new answers everything: not worse in 40 pairs (40 judged: ")
    assert (state_of(store, OLD), state_of(store, NEW)) == (State.RETIRED, State.LIVE)
    assert advance(store, TASK, SETTINGS, now=7.0) == full
    assert [row.stage for row in store.releases.list(TASK)] == [Stage.FULL, Stage.SHADOW, Stage.CANARY, Stage.FULL]
    assert rollback(store, TASK, "and back", now=8.0).champion == OLD
    assert store.verify() == []


def test_quiet_hours_hold_what_goes_forward(store: Store) -> None:
    """Neither the canary nor everything while they last, which is written down; once they are over, the very next look
    takes the step, with what was seen meanwhile.
    """
    release = open_shadow(store, TASK, NEW, now=2.0)
    traffic = Traffic(store, accuracy={OLD: 0.7, NEW: 0.95})
    traffic.send(release, 10)
    assert advance(store, TASK, SETTINGS, now=3.0, frozen=50.0) == release
    assert held_until(store, release, 3.0) == 0.0  # it is not held back: it would not have gone forward
    traffic.send(release, 50)
    assert advance(store, TASK, SETTINGS, now=4.0, frozen=50.0) == release
    assert (held_until(store, release, 4.0), held_until(store, release, 50.0)) == (50.0, 0.0)
    canary = advance(store, TASK, SETTINGS, now=50.0)
    assert canary.stage is Stage.CANARY
    traffic.send(canary, 40)
    assert advance(store, TASK, SETTINGS, now=51.0, frozen=90.0) == canary
    assert held_until(store, canary, 51.0) == 90.0
    full = advance(store, TASK, SETTINGS, now=90.0)
    assert (full.stage, held_until(store, full, 90.0)) == (Stage.FULL, 0.0)


@pytest.mark.slow
def test_quiet_hours_hold_nothing_that_goes_back(tmp_path: Path) -> None:
    """Harm, an end that has come, and a version that was not shown to be fit: all are taken back at any hour."""
    for name, accuracy, until in (("harm", 0.1, 0.0), ("end", 0.9, 30.0), ("unfit", 0.88, 0.0)):
        with prepared(tmp_path / name) as store:
            settings = replace(SETTINGS, most_feedback=60, harm_alpha=1e-6 if name == "unfit" else 0.01)
            release = open_canary(store, TASK, NEW, settings, "canary", now=2.0, until=until)
            Traffic(store, seed=3, accuracy={OLD: 0.95, NEW: accuracy}).send(release, 80)
            assert advance(store, TASK, settings, now=44.0, frozen=99.0).stage is Stage.ROLLBACK
            assert state_of(store, NEW) is State.WITHDRAWN


def test_routing_follows_the_rows(store: Store) -> None:
    """The rows that the rollout writes route as they say: nobody in shadow, a share in the canary, all in full."""
    episodes = [f"episode {k}" for k in range(2000)]

    def share(release: Release) -> float:
        return float(np.mean([route(release, episode)[0] == NEW for episode in episodes]))

    release = open_shadow(store, TASK, NEW, now=2.0)
    assert share(release) == 0.0
    traffic = Traffic(store, accuracy={OLD: 0.7, NEW: 0.95})
    traffic.send(release, 60)
    canary = advance(store, TASK, SETTINGS, now=3.0)
    assert share(canary) == pytest.approx(0.2, abs=0.03)
    traffic.send(canary, 40)
    assert share(advance(store, TASK, SETTINGS, now=4.0)) == 1.0


@pytest.mark.slow
def test_a_sabotaged_candidate_is_withdrawn_quickly(tmp_path: Path) -> None:
    """Right one time in ten beside nine: withdrawn after a median of at most 25 exposed requests, all labeled."""
    exposed = []
    for seed in range(9):
        with prepared(tmp_path / str(seed)) as store:
            release = open_canary(store, TASK, NEW, SETTINGS, "drill", now=2.0)
            traffic = Traffic(store, seed=seed, accuracy={OLD: 0.9, NEW: 0.1})
            release = run(traffic, release, SETTINGS, per_look=1, looks=100)
            assert (release.stage, release.champion, release.share) == (Stage.ROLLBACK, OLD, 0.0)
            assert (state_of(store, NEW), state_of(store, OLD)) == (State.WITHDRAWN, State.LIVE)
            assert f"after {traffic.sent} exposed requests and" in release.because
            exposed.append(traffic.sent)
    assert np.median(exposed) <= 25


@pytest.mark.slow
def test_an_equal_candidate_is_left_alone(tmp_path: Path) -> None:
    """Of 200 candidates just as good as the champion, looked at again and again, at least 95 % are not taken back."""
    patient = Settings(shadow_pairs=0, canary_feedback=10_000, harm_alpha=0.01, harm_margin=0.05)
    kept = 0
    for seed in range(200):
        with prepared(tmp_path / str(seed)) as store:
            release = open_canary(store, TASK, NEW, patient, "canary", now=2.0)
            traffic = Traffic(store, seed=seed, accuracy={OLD: 0.85, NEW: 0.85})
            kept += run(traffic, release, patient, per_look=10, looks=12).stage is not Stage.ROLLBACK
    assert kept >= 190


@pytest.mark.slow
def test_somewhat_better_candidates_get_through(tmp_path: Path) -> None:
    """With the shipped settings, most candidates that are five points better soon answer everything, the others wait in
    the canary, and none is taken back.
    """
    full = 0
    for seed in range(10):
        with prepared(tmp_path / str(seed)) as store:
            release = open_shadow(store, TASK, NEW, now=2.0)
            traffic = Traffic(store, seed=seed, accuracy={OLD: 0.9, NEW: 0.95})
            release = run(traffic, release, SETTINGS, per_look=20, looks=12)
            assert release.stage is not Stage.ROLLBACK
            full += release.stage is Stage.FULL
    assert full >= 8


def test_a_harmful_candidate_never_leaves_the_shadow(store: Store) -> None:
    """Harm shown in shadow is a refusal: no user had a reply of it, and the sentence says so."""
    release = open_shadow(store, TASK, NEW, now=2.0)
    traffic = Traffic(store, accuracy={OLD: 0.9, NEW: 0.1})
    release = run(traffic, release, SETTINGS, per_look=5, looks=20)
    assert release.stage is Stage.ROLLBACK
    assert release.because.startswith(
        "ver_new refused in shadow, no user had a reply of it: harm shown at the 1 % level"
    )
    assert state_of(store, NEW) is State.REFUSED
    assert not store.aliases.get(TASK, "challenger")


def test_a_candidate_that_fails_is_withdrawn(store: Store) -> None:
    """Errors alone close a canary, without any feedback."""
    release = open_canary(store, TASK, NEW, SETTINGS, "canary", now=2.0)
    traffic = Traffic(store, accuracy={OLD: 0.9, NEW: 0.9}, labeled=0.0)
    traffic.send(release, 12)
    for k in range(18):
        note_error(store, release, NEW, f"int_failed{k}", "out of memory")
    row = advance(store, TASK, SETTINGS, now=44.0)
    assert row.stage is Stage.ROLLBACK
    assert row.because == (
        "ver_new withdrawn from the canary after 12 exposed requests and 42.0 s: harm shown at the 1 % level in "
        "30 pairs (none judged, 18 errors), most in failures, 18 of 30 requests; ver_old answers everything"
    )


def test_time_is_up(store: Store) -> None:
    """A release with an end goes back at that end, though nothing was shown; nobody is told that it is fit."""
    release = open_canary(store, TASK, NEW, SETTINGS, "drill", now=2.0, until=100.0)
    assert release.until == 100.0
    Traffic(store, accuracy={OLD: 0.9, NEW: 0.9}, labeled=0.0).send(release, 5)
    assert advance(store, TASK, SETTINGS, now=99.0) == release
    row = advance(store, TASK, SETTINGS, now=100.0)
    assert (row.stage, row.until) == (Stage.ROLLBACK, 0.0)
    assert "its time was up" in row.because


def test_no_release_stays_open_forever(store: Store) -> None:
    """Where nobody says what is right, a canary goes back after a month, and so does a shadow without traffic."""
    release = open_canary(store, TASK, NEW, SETTINGS, "for a test", now=2.0)
    Traffic(store, accuracy={OLD: 0.9, NEW: 0.9}, labeled=0.0).send(release, 5)
    assert advance(store, TASK, SETTINGS, now=LONGEST_S) == release
    row = advance(store, TASK, SETTINGS, now=LONGEST_S + 2.0)
    assert row.stage is Stage.ROLLBACK
    assert "after 30 days in canary nothing is decided, in 5 pairs (none judged)" in row.because
    assert store.versions.get(NEW).state is State.WITHDRAWN
    store.versions.put(replace(store.versions.get(NEW), id="ver_next", state=State.CANDIDATE))
    open_shadow(store, TASK, "ver_next", now=LONGEST_S)
    assert advance(store, TASK, SETTINGS, now=2 * LONGEST_S).stage is Stage.ROLLBACK


def test_who_replies_as_the_champion_needs_no_label(store: Store) -> None:
    """Nobody says what is right, and no gate let it pass: that hardly a reply is another one is enough to answer all,
    with the champion's mistakes.
    """
    add_verdict(store, NEW, Outcome.UNSURE)
    release = open_canary(store, TASK, NEW, SETTINGS, "for a test", now=2.0)
    traffic = Traffic(store, accuracy={OLD: 0.0, NEW: 0.01}, labeled=0.0)
    traffic.send(release, SETTINGS.most_feedback - 1)
    assert advance(store, TASK, SETTINGS, now=3.0) == release
    traffic.send(release, 1)
    row = advance(store, TASK, SETTINGS, now=4.0)
    assert (row.stage, row.champion) == (Stage.FULL, NEW)
    assert "as it replies otherwise than ver_old in only " in row.because
    assert "of 400 pairs" in row.because


def test_whoever_replaces_an_erased_champion_is_held_back_by_harm_alone(store: Store) -> None:
    """As good as the champion on pairs that show no safety yet, which no other ungated candidate is taken for."""
    strict = replace(SETTINGS, alpha=1e-6)
    add_verdict(store, NEW, Outcome.UNSURE)
    release = open_canary(store, TASK, NEW, strict, "for a test", now=2.0)
    Traffic(store, accuracy={OLD: 1.0, NEW: 1.0}, labeled=1.0).send(release, 3 * strict.canary_feedback)
    assert advance(store, TASK, strict, now=50.0) == release
    store.turns.put(Turn(id="trn_1", task=TASK, time=1.0, diary={REBUILT: NEW}))
    assert advance(store, TASK, strict, now=51.0).stage is Stage.FULL


def test_whoever_replaces_an_erased_champion_may_lag(store: Store) -> None:
    """Behind by the mean after all that is judged at most, and harm not shown: it answers everything, and says why."""
    settings = replace(SETTINGS, harm_alpha=1e-9)
    add_verdict(store, NEW, Outcome.PASS)
    release = open_canary(store, TASK, NEW, settings, "for a test", now=2.0)
    Traffic(store, accuracy={OLD: 0.9, NEW: 0.8}, labeled=1.0).send(release, settings.most_feedback)
    store.turns.put(Turn(id="trn_1", task=TASK, time=1.0, diary={REBUILT: NEW}))
    row = advance(store, TASK, settings, now=51.0)
    assert (row.stage, row.champion) == (Stage.FULL, NEW)
    assert "ver_old learned from what was erased and has to go, and no harm is shown in 400 pairs" in row.because


def test_what_lags_is_taken_back_otherwise(store: Store) -> None:
    """The same candidate where nothing was erased."""
    settings = replace(SETTINGS, harm_alpha=1e-9)
    release = open_canary(store, TASK, NEW, settings, "for a test", now=2.0)
    Traffic(store, accuracy={OLD: 0.9, NEW: 0.8}, labeled=1.0).send(release, settings.most_feedback)
    assert "undecided: not shown to be fit" in advance(store, TASK, settings, now=51.0).because


def test_what_was_broken_on_purpose_never_answers_everybody(store: Store) -> None:
    """However well a broken version does, and whatever the gate said of it, it is taken back and not promoted."""
    new = store.versions.get(NEW)
    store.versions.put(replace(new, recipe=recipe(Fault(kind=BIASED, share=0.2, slice=("segment", "shop")))))
    open_canary(store, TASK, NEW, SETTINGS, "drill", now=2.0)
    with pytest.raises(NotReleasable, match="broken on purpose"):
        promote(store, TASK, NEW, "by hand", now=3.0)
    Traffic(store, accuracy={OLD: 0.9, NEW: 1.0}).send(store.releases.list(TASK)[-1], 60)
    row = advance(store, TASK, SETTINGS, now=4.0)
    assert row.stage is Stage.ROLLBACK
    assert "broken on purpose, it would have answered everything" in row.because
    assert state_of(store, NEW) is State.WITHDRAWN


def test_late_labels(store: Store) -> None:
    """Nothing happens until labels come, however late; then they count, once."""
    release = open_canary(store, TASK, NEW, SETTINGS, "canary", now=2.0)
    traffic = Traffic(store, accuracy={OLD: 0.9, NEW: 0.1}, labeled=0.0)
    sent = traffic.send(release, 30)
    for _ in range(3):
        assert advance(store, TASK, SETTINGS, now=3.0) == release
    store.feedback.add([label(sent[0]), label(sent[0], at=300.0)])
    assert advance(store, TASK, SETTINGS, now=4.0) == release
    store.feedback.add([label(id, at=90_000.0) for id in sent[1:]])
    assert advance(store, TASK, SETTINGS, now=90_000.0).stage is Stage.ROLLBACK


def test_worse_by_the_mean_stays_in_the_canary(store: Store) -> None:
    """A candidate that is behind, though harm is not shown, gets no more traffic."""
    release = open_canary(store, TASK, NEW, SETTINGS, "canary", now=2.0)
    traffic = Traffic(store, accuracy={OLD: 1.0, NEW: 1.0})
    traffic.send(release, 60)
    traffic.accuracy[NEW] = 0.0
    traffic.send(release, 1)
    assert advance(store, TASK, SETTINGS, now=3.0) == release


@pytest.mark.parametrize("verdict", [None, Outcome.UNSURE])
def test_what_the_gate_did_not_let_pass_has_to_prove_itself(tmp_path: Path, verdict: Outcome | None) -> None:
    """Without a pass the canary's own pairs must show that no harm is done; enough of them do."""
    with open_store(tmp_path) as store:
        promote(store, TASK, add_version(store, "old"), "first", now=1.0)
        add_version(store, "new")
        if verdict:
            add_verdict(store, NEW, verdict)
        release = open_canary(store, TASK, NEW, SETTINGS, "canary", now=2.0)
        traffic = Traffic(store, accuracy={OLD: 1.0, NEW: 1.0})
        traffic.send(release, 50)
        assert advance(store, TASK, SETTINGS, now=3.0) == release
        traffic.send(release, 100)
        assert advance(store, TASK, SETTINGS, now=4.0).stage is Stage.FULL


def test_no_shadow_where_none_is_wanted(store: Store) -> None:
    """With `shadow_pairs` 0 the first look opens the canary, and with `canary_feedback` 0 the next one ends it."""
    hasty = Settings(shadow_pairs=0, canary_feedback=0, canary_share=(0.2,))
    open_shadow(store, TASK, NEW, now=2.0)
    canary = advance(store, TASK, hasty, now=3.0)
    assert canary.stage is Stage.CANARY
    assert canary.because.endswith("no harm shown in 0 pairs (none judged)")
    assert advance(store, TASK, hasty, now=4.0).stage is Stage.FULL


def test_opening_again_changes_nothing(store: Store) -> None:
    """A step that runs again after a crash finds the trial open, or the candidate as champion, and leaves it so."""
    release = open_shadow(store, TASK, NEW, now=2.0)
    assert open_shadow(store, TASK, NEW, now=3.0) == release
    full = promote(store, TASK, NEW, "by hand", now=4.0)
    assert open_shadow(store, TASK, NEW, now=5.0) == full


def test_one_trial_at_a_time(store: Store) -> None:
    """A second candidate waits; one that was refused does not come back; another task's is not taken."""
    open_shadow(store, TASK, NEW, now=2.0)
    with pytest.raises(NotReleasable, match="ver_new is being tried"):
        open_shadow(store, TASK, add_version(store, "other"), now=3.0)
    rollback(store, TASK, "enough", now=4.0)
    with pytest.raises(NotReleasable, match="refused"):
        open_shadow(store, TASK, NEW, now=5.0)
    with pytest.raises(NotReleasable, match="task 'elsewhere'"):
        open_shadow(store, TASK, add_version(store, "stray", task="elsewhere"), now=5.0)


def test_advance_without_a_release(store: Store) -> None:
    """A task without a champion has nothing to advance; a settled one stays as it is."""
    with pytest.raises(NothingReleased):
        advance(store, "other", SETTINGS, now=1.0)
    assert advance(store, TASK, SETTINGS, now=2.0) == store.releases.current(TASK)


def test_the_evidence_is_kept_for_the_pages(store: Store) -> None:
    """What the last look saw can be read back, per release row."""
    release = open_shadow(store, TASK, NEW, now=2.0)
    Traffic(store, accuracy={OLD: 1.0, NEW: 1.0}).send(release, 7)
    advance(store, TASK, SETTINGS, now=3.0)
    kept = store.state.get(f"guard:{release.id}")
    assert (kept["pairs"], kept["judged"], kept["candidate"], kept["champion"]) == (7, 7, 1.0, 1.0)
    assert kept["harm"] < 0.0 < kept["safe"]
