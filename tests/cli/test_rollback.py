"""Going back."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import champion, version
from homeostat.errors import NotReleasable, NoWayBack
from homeostat.release.registry import promote
from homeostat.release.rollout import open_shadow
from homeostat.store import Store
from homeostat.types.version import State


@pytest.fixture
def two(store: Store) -> None:
    """Two champions, one after the other."""
    champion(store, "old")
    version(store, "new")
    promote(store, "routing", "ver_new", "better", now=2.0)


@pytest.mark.usefixtures("two")
def test_back_and_forward_again(homeostat: Run, shop: Path, store: Store) -> None:
    """The champion before answers again; `--to` takes that back."""
    assert homeostat("rollback", "--config", shop, "--because", "complaints").code == 0
    release = store.releases.current("routing")
    assert release is not None
    assert (release.champion, release.because) == ("ver_old", "complaints")
    assert store.versions.get("ver_new").state is State.WITHDRAWN
    assert homeostat("rollback", "routing", "--config", shop, "--to", "ver_new").code == 0
    assert store.aliases.get("routing", "champion") == "ver_new"


@pytest.mark.usefixtures("two")
def test_a_dry_run_tells_the_same_and_does_nothing(homeostat: Run, shop: Path, store: Store) -> None:
    """What a dry run says would change is what then changes; until then nothing has."""
    before = (store.releases.list("routing"), store.versions.list(), store.aliases.all("routing"))
    told = homeostat("rollback", "--config", shop, "--dry-run", "--json").json
    assert (store.releases.list("routing"), store.versions.list(), store.aliases.all("routing")) == before
    done = homeostat("rollback", "--config", shop, "--json").json
    assert told["changes"] == done["changes"]
    assert {"what": "ver_new", "before": "live", "after": "withdrawn"} in done["changes"]


def test_a_trial_ends_first(homeostat: Run, shop: Path, store: Store) -> None:
    """With a candidate on trial, going back is ending the trial; the champion stays."""
    champion(store, "old")
    version(store, "tried")
    open_shadow(store, "routing", "ver_tried", now=2.0)
    ran = homeostat("rollback", "--config", shop)
    assert ran.code == 0
    assert store.aliases.get("routing", "champion") == "ver_old"
    assert store.versions.get("ver_tried").state is State.REFUSED
    assert "on trial" in ran.out


def test_there_is_not_always_a_way_back(homeostat: Run, shop: Path, store: Store) -> None:
    """Before the first champion, and before its predecessor, an error."""
    assert homeostat("rollback", "--config", shop).code == NoWayBack.exit
    champion(store, "only")
    for flags in ((), ("--dry-run",)):
        ran = homeostat("rollback", "--config", shop, *flags)
        assert ran.code == NoWayBack.exit
        assert "E602" in ran.err


@pytest.mark.usefixtures("two")
def test_to_whom_nobody_ever_listened(homeostat: Run, shop: Path, store: Store) -> None:
    """`--to` takes earlier champions only; of others it says what to do instead."""
    version(store, "third")
    for flags in ((), ("--dry-run",)):
        ran = homeostat("rollback", "--config", shop, "--to", "ver_third", *flags)
        assert ran.code == NotReleasable.exit
        assert "homeostat promote ver_third" in ran.err
