"""Versions are taken in once, promoted, and taken back; states, aliases and rows always say the same."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from homeostat.config.schema import Release as Settings
from homeostat.errors import NotFound, NothingReleased, NotReleasable, NoWayBack, UnsafeWeights
from homeostat.release.registry import promote, register, rollback, withdraw
from homeostat.release.rollout import open_canary, open_shadow
from homeostat.release.states import TRANSITIONS, enact, settle
from homeostat.store import Store
from homeostat.types.dataset import Dataset
from homeostat.types.release import Release, Stage
from homeostat.types.version import State, Version
from release.rehearsal import TASK, add_version, open_store, state_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with open_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def three(store: Store) -> Store:
    """A store in which three versions were champion one after the other."""
    for k, name in enumerate("abc"):
        promote(store, TASK, add_version(store, name), "by test", now=float(k))
    return store


def weights(folder: Path) -> Path:
    folder.mkdir()
    save_file({"w": np.ones(3, np.float32)}, folder / "adapter_model.safetensors")
    return folder


def in_force(store: Store) -> Release:
    release = store.releases.current(TASK)
    assert release is not None
    return release


def states(store: Store) -> dict[str, str]:
    return {version.id[-1]: version.state.value for version in store.versions.list(TASK)}


# --- register ---------------------------------------------------------------------------------------------------------


def test_register_keeps_folder_row_and_lineage(store: Store, tmp_path: Path) -> None:
    """The folder is a verified blob, and edges lead to the dataset and to the parent."""
    store.datasets.put(Dataset(id="dst_1", task=TASK, time=0.0, blob=store.blobs.put_text("")))
    parent = add_version(store, "a")
    version = Version(id="ver_b", task=TASK, time=1.0, base="builtin", dataset="dst_1", parent=parent)
    kept = register(store, version, weights(tmp_path / "run"))
    assert store.versions.get("ver_b") == kept
    assert [path.name for path in store.blobs.folder(kept.blob).iterdir()] == ["adapter_model.safetensors"]
    assert {id for _, id in store.lineage.parents("ver_b")} == {"dst_1", parent}
    assert store.verify() == []


def test_register_twice_changes_nothing(store: Store, tmp_path: Path) -> None:
    """An id that is known stays what it was, weights and state, whatever is brought the second time."""
    version = Version(id="ver_b", task=TASK, time=1.0, base="builtin")
    kept = register(store, version, weights(tmp_path / "run"))
    store.versions.set_state("ver_b", State.LIVE)
    other = tmp_path / "other"
    other.mkdir()
    save_file({"w": np.zeros(3, np.float32)}, other / "adapter_model.safetensors")
    again = register(store, version, other)
    assert (again.blob, again.state) == (kept.blob, State.LIVE)


def test_register_the_bare_base(store: Store) -> None:
    """A version without weights of its own needs no folder."""
    assert register(store, Version(id="ver_0", task=TASK, time=0.0, base="builtin", kind="base"), None).blob == ""


def test_unsafe_weights_leave_no_trace(store: Store, tmp_path: Path) -> None:
    """A refused folder is neither a row nor a blob."""
    folder = weights(tmp_path / "run")
    (folder / "training_args.bin").write_bytes(b"\x80\x02}.")
    with pytest.raises(UnsafeWeights):
        register(store, Version(id="ver_b", task=TASK, time=1.0, base="builtin"), folder)
    assert store.versions.list() == []
    assert list(store.blobs.hashes()) == []


# --- promote ----------------------------------------------------------------------------------------------------------


def test_promote_the_first_and_the_next(store: Store) -> None:
    """The champion answers everything, under its alias; the one before is retired."""
    first = promote(store, TASK, add_version(store, "a"), "first version", now=1.0)
    assert (first.stage, first.champion, first.share, first.because) == (Stage.FULL, "ver_a", 0.0, "first version")
    promote(store, TASK, add_version(store, "b"), "better", now=2.0)
    assert states(store) == {"a": "retired", "b": "live"}
    assert store.aliases.get(TASK, "champion") == "ver_b"
    assert in_force(store).champion == "ver_b"
    assert store.verify() == []


def test_promote_again_changes_nothing(store: Store) -> None:
    """A step that runs twice writes one row."""
    first = promote(store, TASK, add_version(store, "a"), "first", now=1.0)
    assert promote(store, TASK, "ver_a", "again", now=2.0) == first
    assert len(store.releases.list(TASK)) == 1


def test_a_promotion_repeated_too_late_undoes_nothing(three: Store) -> None:
    """A version that was champion once does not come back by a promotion, only by a rollback."""
    rollback(three, TASK, "worse", now=9.0)
    for gone in ("ver_a", "ver_c"):
        with pytest.raises(NotReleasable, match="cannot become live") as caught:
            promote(three, TASK, gone, "again", now=10.0)
        assert f"rollback --to {gone}" in caught.value.fix
    assert in_force(three).champion == "ver_b"


def test_promote_refuses(store: Store) -> None:
    """A version of another task, a refused one, and one that does not exist are not promoted."""
    promote(store, TASK, add_version(store, "a"), "first", now=1.0)
    add_version(store, "x", task="other")
    add_version(store, "r")
    store.versions.set_state("ver_r", State.REFUSED)
    with pytest.raises(NotReleasable, match="task 'other'"):
        promote(store, TASK, "ver_x", "", now=2.0)
    with pytest.raises(NotReleasable, match="refused"):
        promote(store, TASK, "ver_r", "", now=2.0)
    with pytest.raises(NotFound):
        promote(store, TASK, "ver_none", "", now=2.0)
    assert states(store) == {"a": "live", "r": "refused"}


def test_a_person_may_cut_a_trial_short(store: Store) -> None:
    """The candidate on trial may be promoted at once; another version may not, until the trial is over."""
    promote(store, TASK, add_version(store, "a"), "first", now=1.0)
    open_shadow(store, TASK, add_version(store, "b"), now=2.0)
    with pytest.raises(NotReleasable, match=r"ver_b is being tried \(shadow\)"):
        promote(store, TASK, add_version(store, "c"), "", now=3.0)
    assert promote(store, TASK, "ver_b", "I know it", now=3.0).champion == "ver_b"
    assert states(store) == {"a": "retired", "b": "live", "c": "candidate"}


# --- rollback ---------------------------------------------------------------------------------------------------------


def test_rollback_goes_back_one_champion_at_a_time(three: Store) -> None:
    """Each rollback lets the champion before answer; at the first one there is no way back."""
    row = rollback(three, TASK, "users complain", now=9.0)
    assert (row.stage, row.champion, row.candidate, row.share) == (Stage.ROLLBACK, "ver_b", "ver_c", 0.0)
    assert row.because == "users complain"
    assert states(three) == {"a": "retired", "b": "live", "c": "withdrawn"}
    assert three.aliases.get(TASK, "champion") == "ver_b"
    assert rollback(three, TASK, "still", now=10.0).champion == "ver_a"
    with pytest.raises(NoWayBack, match="E602") as caught:
        rollback(three, TASK, "still", now=11.0)
    assert "--to ver_b or ver_c" in caught.value.fix
    assert states(three) == {"a": "live", "b": "withdrawn", "c": "withdrawn"}


def test_rollback_to_any_champion_and_forward_again(three: Store) -> None:
    """A rollback can itself be undone: any version that once answered everybody can be named."""
    assert rollback(three, TASK, "", to="ver_a", now=9.0).champion == "ver_a"
    assert states(three) == {"a": "live", "b": "retired", "c": "withdrawn"}
    assert rollback(three, TASK, "it was not the model", to="ver_c", now=10.0).champion == "ver_c"
    assert states(three) == {"a": "retired", "b": "retired", "c": "live"}
    assert rollback(three, TASK, "", now=11.0).champion == "ver_a"


def test_rollback_to_the_champion_changes_nothing(three: Store) -> None:
    """Asking for what is in force already writes no row."""
    before = three.releases.list(TASK)
    rollback(three, TASK, "", to="ver_c", now=9.0)
    assert three.releases.list(TASK) == before


def test_rollback_refuses_what_never_answered_everybody(three: Store) -> None:
    """Only a former champion is a way back, and only where something was released."""
    add_version(three, "d")
    with pytest.raises(NotReleasable, match="never answered all") as caught:
        rollback(three, TASK, "", to="ver_d", now=9.0)
    assert caught.value.fix == "`homeostat promote ver_d`"
    with pytest.raises(NotFound):
        rollback(three, TASK, "", to="ver_none", now=9.0)
    with pytest.raises(NoWayBack):
        rollback(three, "other", "", now=9.0)


@pytest.mark.parametrize(("stage", "left"), [(Stage.SHADOW, "refused"), (Stage.CANARY, "withdrawn")])
def test_rollback_ends_a_trial_first(three: Store, stage: Stage, left: str) -> None:
    """While a candidate is being tried, going back means that the champion answers everything."""
    add_version(three, "d")
    if stage is Stage.SHADOW:
        open_shadow(three, TASK, "ver_d", now=8.0)
    else:
        open_canary(three, TASK, "ver_d", Settings(), "drill", now=8.0)
    assert three.aliases.get(TASK, "challenger") == "ver_d"
    row = rollback(three, TASK, "stop it", now=9.0)
    assert (row.stage, row.champion, row.candidate, row.share) == (Stage.ROLLBACK, "ver_c", "ver_d", 0.0)
    assert states(three) == {"a": "retired", "b": "retired", "c": "live", "d": left}
    assert not three.aliases.get(TASK, "challenger")


def test_rollback_to_ends_a_trial_too(three: Store) -> None:
    """With a version named, the trial ends and that version answers: two rows."""
    open_shadow(three, TASK, add_version(three, "d"), now=8.0)
    assert rollback(three, TASK, "", to="ver_a", now=9.0).champion == "ver_a"
    assert states(three) == {"a": "live", "b": "retired", "c": "withdrawn", "d": "refused"}
    assert three.verify() == []


def test_withdraw_once(three: Store) -> None:
    """Ending a trial twice writes one row; a version that is not on trial cannot be taken from it."""
    open_shadow(three, TASK, add_version(three, "d"), now=8.0)
    row = withdraw(three, TASK, "ver_d", "enough", now=9.0)
    assert withdraw(three, TASK, "ver_d", "enough", now=10.0) == row
    with pytest.raises(NotReleasable):
        withdraw(three, TASK, "ver_a", "", now=10.0)


# --- states -----------------------------------------------------------------------------------------------------------


def _promote(store: Store) -> None:
    promote(store, TASK, "ver_x", "", now=9.0)


def _shadow(store: Store) -> None:
    open_shadow(store, TASK, "ver_x", now=9.0)


def _canary(store: Store) -> None:
    open_canary(store, TASK, "ver_x", Settings(), "", now=9.0)


@pytest.mark.parametrize(("start", "step"), product(State, [_promote, _shadow, _canary]))
def test_no_step_leaves_the_table(store: Store, start: State, step: Callable[[Store], None]) -> None:
    """From every state, each step either follows the table of transitions or is refused and changes nothing."""
    promote(store, TASK, add_version(store, "a"), "first", now=1.0)
    add_version(store, "x")
    store.versions.set_state("ver_x", start)
    try:
        step(store)
    except NotReleasable:
        assert state_of(store, "ver_x") is start
        assert len(store.releases.list(TASK)) == 1
    else:
        assert state_of(store, "ver_x") in TRANSITIONS[start]


def test_the_table_is_complete() -> None:
    """Every state has its row; what is refused or erased never answers, and what is live can always be taken back."""
    assert set(TRANSITIONS) == set(State)
    assert TRANSITIONS[State.REFUSED] == {State.ERASED}
    assert TRANSITIONS[State.ERASED] == frozenset()
    assert State.WITHDRAWN in TRANSITIONS[State.LIVE]


def test_a_crash_after_the_row_is_repaired(store: Store) -> None:
    """Whoever comes next brings aliases and states in line with the newest row."""
    promote(store, TASK, add_version(store, "a"), "first", now=1.0)
    add_version(store, "b")
    row = Release(id="rel_x", task=TASK, time=2.0, stage=Stage.FULL, champion="ver_b", because="then it crashed")
    store.releases.put(row)
    assert states(store) == {"a": "live", "b": "candidate"}
    assert promote(store, TASK, "ver_b", "again", now=3.0) == row
    assert states(store) == {"a": "retired", "b": "live"}
    assert store.aliases.get(TASK, "champion") == "ver_b"


def test_a_trial_ended_after_a_crash(store: Store) -> None:
    """A canary whose states were never written is still withdrawn, not refused, for users had its replies."""
    promote(store, TASK, add_version(store, "a"), "first", now=1.0)
    add_version(store, "b")
    store.releases.put(
        Release(id="rel_x", task=TASK, time=2.0, stage=Stage.CANARY, champion="ver_a", candidate="ver_b", share=0.2)
    )
    rollback(store, TASK, "stop", now=3.0)
    assert states(store) == {"a": "live", "b": "withdrawn"}


def test_the_slower_of_two_does_not_win(store: Store) -> None:
    """A row that was prepared before somebody else's came into force is not written."""
    first = promote(store, TASK, add_version(store, "a"), "first", now=1.0)
    quick = promote(store, TASK, add_version(store, "b"), "quick", now=2.0)
    slow = Release(id="", task=TASK, time=3.0, stage=Stage.FULL, champion=add_version(store, "c"))
    assert enact(store, first, slow) == quick
    assert states(store) == {"a": "retired", "b": "live", "c": "candidate"}


def test_settle_writes_only_what_differs(three: Store) -> None:
    """Looking at a settled release again and again writes nothing."""
    before = three.versions.list(), three.aliases.all(TASK)
    settle(three, in_force(three))
    assert (three.versions.list(), three.aliases.all(TASK)) == before


def test_nothing_released(store: Store) -> None:
    """Without a champion there is nothing to compare a candidate with."""
    with pytest.raises(NothingReleased, match="E503"):
        open_shadow(store, TASK, add_version(store, "a"), now=1.0)


def test_what_learned_from_erased_rows_is_not_gone_back_to(three: Store) -> None:
    """The way back leads past a champion that did, to the one before; naming it, or promoting such a candidate, is
    refused with the dataset because of which.
    """
    first, second, third = (release.champion for release in three.releases.list(TASK))
    three.datasets.put(Dataset(id="dst_old", task=TASK, time=1.0, blob="", rebuilt="dst_new"))
    three.lineage.link(second, "dst_old", "learned from")
    with pytest.raises(NotReleasable, match="erased"):
        rollback(three, TASK, "x", to=second, now=9.0)
    assert rollback(three, TASK, "x", now=9.0).champion == first
    candidate = replace(three.versions.get(third), id="ver_next", state=State.CANDIDATE)
    three.versions.put(candidate)
    three.lineage.link("ver_next", "dst_old", "was worded with")
    with pytest.raises(NotReleasable, match="erased"):
        promote(three, TASK, "ver_next", "x", now=10.0)
