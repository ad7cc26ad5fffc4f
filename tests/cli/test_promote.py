"""Letting a version answer by a person's decision."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import champion, version
from homeostat.errors import NotFound, NotReleasable
from homeostat.llm.content import bytes_of, shown
from homeostat.release.proven import over, vouch
from homeostat.release.rollout import open_shadow
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.report import Base
from homeostat.types.version import State


def test_a_candidate_becomes_champion(homeostat: Run, shop: Path, store: Store) -> None:
    """One release row with its reason; the champion before retires; the table says both."""
    champion(store, "old")
    version(store, "new")
    ran = homeostat("promote", "ver_new", "--config", shop, "--because", "looked at by hand")
    assert ran.code == 0
    release = store.releases.current("routing")
    assert release is not None
    assert (release.champion, release.stage, release.because) == ("ver_new", Stage.FULL, "looked at by hand")
    assert store.versions.get("ver_old").state is State.RETIRED
    assert "ver_old" in ran.out
    assert "retired" in ran.out


def test_a_dry_run_tells_the_same_and_does_nothing(homeostat: Run, shop: Path, store: Store) -> None:
    """What a dry run says would change is what then changes; until then nothing has."""
    champion(store, "old")
    version(store, "new")
    before = (store.releases.list("routing"), store.versions.list(), store.aliases.all("routing"))
    told = homeostat("promote", "ver_new", "--config", shop, "--dry-run", "--json").json
    assert (store.releases.list("routing"), store.versions.list(), store.aliases.all("routing")) == before
    done = homeostat("promote", "ver_new", "--config", shop, "--json").json
    assert told["dry_run"] is True
    assert done["dry_run"] is False
    assert told["changes"] == done["changes"]
    assert {"what": "answers", "before": "ver_old", "after": "ver_new"} in done["changes"]


def test_the_champion_again_changes_nothing(homeostat: Run, shop: Path, store: Store) -> None:
    """Promoting who answers already is no error and writes nothing."""
    champion(store, "old")
    ran = homeostat("promote", "ver_old", "--config", shop)
    assert ran.code == 0
    assert "nothing changed" in ran.out
    assert len(store.releases.list("routing")) == 1


def test_what_is_refused_stays_refused(homeostat: Run, shop: Path, store: Store) -> None:
    """A state that forbids it is an error, in a dry run too."""
    champion(store, "old")
    version(store, "bad", state=State.REFUSED)
    for flags in ((), ("--dry-run",)):
        ran = homeostat("promote", "ver_bad", "--config", shop, *flags)
        assert ran.code == NotReleasable.exit
        assert "refused" in ran.err


def test_one_candidate_is_tried_at_a_time(homeostat: Run, shop: Path, store: Store) -> None:
    """While another is on trial nothing is promoted past it."""
    champion(store, "old")
    version(store, "tried")
    version(store, "new")
    open_shadow(store, "routing", "ver_tried", now=2.0)
    ran = homeostat("promote", "ver_new", "--config", shop)
    assert ran.code == NotReleasable.exit
    assert "ver_tried" in ran.err


def test_no_such_version(homeostat: Run, shop: Path, store: Store) -> None:
    """An error for an id that the store does not hold."""
    assert homeostat("promote", "ver_nobody", "--config", shop).code == NotFound.exit


def test_a_person_vouches_for_the_bytes_of_the_base(homeostat: Run, shop: Path, store: Store) -> None:
    """A champion that was proven over other bytes than those here: promoted again it answers on these, and that is
    told, in a dry run too, which writes nothing.
    """
    known = champion(store, "old")
    other = Base(name="builtin", content="0" * 64)
    vouch(store, store.versions.get(known.id), other)
    told = homeostat("promote", "ver_old", "--config", shop, "--dry-run", "--json").json
    assert over(store, store.versions.get("ver_old")) == other
    done = homeostat("promote", "ver_old", "--because", "the same model", "--config", shop, "--json").json
    here = bytes_of(store, "builtin")
    assert here is not None
    change = {"what": "base under ver_old", "before": "sha256 000000000000…", "after": shown(here)}
    assert told["changes"] == done["changes"] == [change]
    assert over(store, store.versions.get("ver_old")) == here
    assert "nothing changed" in homeostat("promote", "ver_old", "--config", shop).out
    assert "base of version: the same model" in homeostat("audit", "--about", "ver_old", "--config", shop).out
