"""A version answers on the bytes of its base that it was proven over, or on those that a person vouched for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.builtin.resources import model_path
from homeostat.config.schema import Release as Settings
from homeostat.llm.content import bytes_of
from homeostat.release.promoted import passed
from homeostat.release.proven import VOUCHED, over, swapped, vouch
from homeostat.release.registry import promote
from homeostat.release.rollout import advance, open_canary, open_shadow
from homeostat.release.split import Wish, advance_split, open_split
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.report import Base, Outcome
from homeostat.types.version import Version
from release.rehearsal import TASK, Traffic, add_verdict, add_version, open_store

SETTINGS = Settings(shadow_pairs=10, canary_share=(0.5,), canary_feedback=20)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A real base of the test's own, in a folder."""
    return Path(shutil.copytree(model_path(), tmp_path / "base"))


@pytest.fixture
def store(tmp_path: Path, base: Path) -> Iterator[Store]:
    """A champion, and a candidate that passed over the base as it is."""
    with open_store(tmp_path) as opened:
        promote(opened, TASK, add_version(opened, "old"), "first", now=1.0)
        add_verdict(opened, add_version(opened, "new"), Outcome.PASS)
        said = opened.verdicts.get("vdt_ver_new")
        opened.verdicts.put(replace(said, base=bytes_of(opened, str(base))))
        yield opened


def exchange(base: Path) -> None:
    """Write over the base in its place: what it is in other words, a byte more."""
    (base / "config.json").write_text((base / "config.json").read_text() + "\n")


def put_back(base: Path) -> None:
    shutil.copytree(model_path(), base, dirs_exist_ok=True)


def new(store: Store) -> Version:
    return store.versions.get("ver_new")


def test_a_pass_is_one_over_these_very_bytes(store: Store, base: Path) -> None:
    """Exchanged in its place it is no pass and says what, where and how to fix; put back it is one again."""
    assert passed(store, TASK, "ver_new")
    assert passed(store, TASK, "ver_new", str(base))
    exchange(base)
    assert not passed(store, TASK, "ver_new")
    assert not passed(store, TASK, "ver_new", str(base))
    told = swapped(store, new(store), str(base))
    assert told is not None
    assert str(told).startswith(f"E407 ver_new was proven over {base} as it was then (sha256 ")
    assert told.where == str(base)
    assert "put the old base back" in told.fix
    assert "`homeostat promote ver_new`" in told.fix
    put_back(base)
    assert passed(store, TASK, "ver_new")


def test_another_base_is_other_bytes_whatever_its_name(store: Store, base: Path, tmp_path: Path) -> None:
    """A copy under another name is the same base; another one, or none at all, is not."""
    assert swapped(store, new(store), "builtin") is None  # the very same files
    assert "is not here" in str(swapped(store, new(store), str(tmp_path / "nowhere")))
    opened = Base(name=str(base), content="0" * 64)
    assert "sha256 000000000000…" in str(swapped(store, new(store), str(base), opened))
    exchange(base)
    assert swapped(store, new(store), str(base), over(store, new(store))) is None  # what is open is what was proven


def test_weights_of_their_own_stand_on_their_own_base(store: Store, base: Path) -> None:
    """The project's may be any other then, and an adapter stands on the project's."""
    own = replace(new(store), id="ver_own", kind="full", base=str(base))
    assert (own.stands_on("builtin"), replace(own, kind="lora").stands_on("builtin")) == (str(base), "builtin")
    store.versions.put(own)
    store.verdicts.put(replace(store.verdicts.get("vdt_ver_new"), id="vdt_own", candidate="ver_own"))
    exchange(base)
    assert swapped(store, own, "builtin") is not None
    assert swapped(store, new(store), "builtin") is None


def test_a_verdict_from_before_holds(store: Store) -> None:
    """It names no bytes, so nothing is compared."""
    store.verdicts.put(replace(store.verdicts.get("vdt_ver_new"), base=None))
    assert over(store, new(store)) is None
    assert swapped(store, new(store), "/nowhere") is None
    assert passed(store, TASK, "ver_new", "/nowhere")


@pytest.mark.parametrize("opened", [open_shadow, open_canary])
def test_a_candidate_over_other_bytes_is_taken_back(store: Store, base: Path, opened: object) -> None:
    """Whether users had it or not, before any pair is looked at; the row says why."""
    if opened is open_shadow:
        open_shadow(store, TASK, "ver_new", now=2.0)
    else:
        open_canary(store, TASK, "ver_new", SETTINGS, "by test", now=2.0)
    going = advance(store, TASK, SETTINGS, now=3.0, base=str(base))
    assert going.candidate == "ver_new"
    assert going.stage in (Stage.SHADOW, Stage.CANARY)
    exchange(base)
    row = advance(store, TASK, SETTINGS, now=4.0, base=str(base))
    assert (row.stage, row.champion) == (Stage.ROLLBACK, "ver_old")
    assert row.because.startswith(f"ver_new taken back: ver_new was proven over {base} as it was then (sha256 ")


def test_a_candidate_over_the_same_bytes_goes_on(store: Store, base: Path) -> None:
    """To everybody, as before."""
    release = open_canary(store, TASK, "ver_new", SETTINGS, "by test", now=2.0)
    Traffic(store, accuracy={"ver_old": 0.5, "ver_new": 1.0}).send(release, 60)
    row = advance(store, TASK, SETTINGS, now=3.0, base=str(base))
    assert (row.stage, row.champion) == (Stage.FULL, "ver_new")


def test_it_leaves_a_split(store: Store, base: Path) -> None:
    """Alone: the other stays, over which nothing was proven."""
    add_version(store, "b")
    open_split(store, TASK, Wish(versions=("ver_new", "ver_b")), under="trn_s", now=2.0)
    exchange(base)
    row = advance_split(store, TASK, SETTINGS, now=3.0, base=str(base))
    assert (row.stage, set(row.shares)) == (Stage.SPLIT, {"ver_b"})
    assert "ver_new was proven over" in row.because


def test_a_person_may_vouch_for_the_new_bytes(store: Store, base: Path) -> None:
    """By promoting it, again too: an entry in the audit log, and no word where nothing is new."""
    promote(store, TASK, "ver_new", "passed", now=2.0, base=bytes_of(store, str(base)))
    assert not [one for one in store.audit.list() if one.what.startswith(VOUCHED)]  # its verdict names the same
    exchange(base)
    assert swapped(store, new(store), str(base)) is not None
    now = bytes_of(store, str(base))
    for _ in range(2):
        assert promote(store, TASK, "ver_new", "I know it", now=3.0, base=now).champion == "ver_new"
    assert swapped(store, new(store), str(base)) is None
    (said,) = [one for one in store.audit.list() if one.what.startswith(VOUCHED)]
    assert (said.about, said.what, said.hash) == ("ver_new", "base of version: I know it", now.content if now else "")
    assert store.verify() == []
    put_back(base)
    assert swapped(store, new(store), str(base)) is not None
    vouch(store, new(store), None)
    assert over(store, new(store)) == now
