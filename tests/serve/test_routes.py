"""The table of releases: what is in force, what is loaded, and what stays so until the last reply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.errors import NotFound, NothingReleased
from homeostat.release.keys import Keys
from homeostat.release.signing import Signing
from homeostat.serve.routes import Routes
from homeostat.store import Store
from homeostat.types.release import Stage
from keywords import KeywordBackend, add_version, release
from waiting import eventually


@pytest.fixture
def backend() -> KeywordBackend:
    return KeywordBackend()


@pytest.fixture
def routes(store: Store, backend: KeywordBackend) -> Iterator[Routes]:
    made = Routes(backend, store, ["routing", "replies"], poll_s=0.05, signing=Signing(Keys(Path("none")), False))
    yield made
    made.close()


def test_what_is_not_signed_is_not_loaded_where_that_is_demanded(
    store: Store, backend: KeywordBackend, tmp_path: Path
) -> None:
    """A signed version answers; the release of one that is not comes into force when it is signed, and not before."""
    signing = Signing(Keys(tmp_path / "keys"), demanded=True)
    old, new = (add_version(store, tmp_path, refund="money") for _ in range(2))
    signing.sign(store, old)
    release(store, Stage.FULL, old)
    routes = Routes(backend, store, ["routing"], poll_s=0.05, signing=signing)
    release(store, Stage.FULL, new)
    assert eventually(lambda: "not signed" in routes.problems.get("routing", ""))
    assert routes.pick("routing", "e").version == old.id
    assert new.id not in backend.loaded()
    signing.sign(store, new)
    assert eventually(lambda: routes.pick("routing", "e").version == new.id)
    assert routes.problems == {}
    routes.close()


def test_a_release_written_by_anybody_is_in_force_soon(store: Store, routes: Routes, tmp_path: Path) -> None:
    """Before the first row there is nothing to pick; a row put into the store is found by looking."""
    with pytest.raises(NothingReleased, match="routing"):
        routes.pick("routing", "e")
    first = add_version(store, tmp_path, refund="money")
    row = release(store, Stage.FULL, first)
    assert eventually(lambda: routes.current("routing") == row)
    pick = routes.pick("routing", "e")
    assert (pick.version, pick.probability, pick.release) == (first.id, 1.0, row)


def test_a_version_is_loaded_before_the_first_request_is_routed_to_it(
    store: Store, backend: KeywordBackend, routes: Routes, tmp_path: Path
) -> None:
    """Whatever a look leaves in the table can answer."""
    old, new = (add_version(store, tmp_path, refund="money") for _ in range(2))
    release(store, Stage.CANARY, old, new, share=0.5)
    routes.refresh()
    assert set(backend.loaded()) == {old.id, new.id}


def test_the_labels_in_force_are_the_champions(store: Store, routes: Routes, tmp_path: Path) -> None:
    """None before the first release; a candidate's count only when it answers everybody."""
    assert routes.labels("routing") == frozenset()
    old = add_version(store, tmp_path, refund="money")
    new = add_version(store, tmp_path, refund="money", delivery="parcel")
    release(store, Stage.CANARY, old, new, share=0.5)
    routes.refresh()
    assert routes.labels("routing") == {"refund"}
    release(store, Stage.FULL, new)
    routes.refresh()
    assert routes.labels("routing") == {"refund", "delivery"}


def test_the_way_back_stays_loaded_and_older_versions_go(
    store: Store, backend: KeywordBackend, routes: Routes, tmp_path: Path
) -> None:
    """After the next full release the version before can still answer, the one before that cannot."""
    versions = [add_version(store, tmp_path, refund="money") for _ in range(3)]
    for version in versions:
        release(store, Stage.FULL, version)
        routes.refresh()
    assert set(backend.loaded()) == {versions[1].id, versions[2].id}


def test_a_version_that_owes_a_reply_is_not_freed(
    store: Store, backend: KeywordBackend, routes: Routes, tmp_path: Path
) -> None:
    """However many releases pass, a version stays until its last pick is done."""
    versions = [add_version(store, tmp_path, refund="money") for _ in range(3)]
    release(store, Stage.FULL, versions[0])
    routes.refresh()
    pick = routes.pick("routing", "e")
    for version in versions[1:]:
        release(store, Stage.FULL, version)
        routes.refresh()
    assert versions[0].id in backend.loaded()
    routes.done(pick.version)
    routes.refresh()
    assert versions[0].id not in backend.loaded()


def test_a_release_that_cannot_be_loaded_leaves_the_one_in_force(store: Store, routes: Routes, tmp_path: Path) -> None:
    """A damaged version is reported and not served; other tasks and the next good release are not held up."""
    good = add_version(store, tmp_path, refund="money")
    release(store, Stage.FULL, good)
    routes.refresh()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "words.json").write_text("[]")
    bad = add_version(store, tmp_path, refund="money")
    store.versions.put(replace(bad, blob=store.blobs.put_folder(tmp_path / "bad")))
    release(store, Stage.FULL, bad)
    other = add_version(store, tmp_path, "replies", phrase="Dear")
    release(store, Stage.FULL, other)
    routes.refresh()
    assert routes.pick("routing", "e").version == good.id
    assert routes.pick("replies", "e").version == other.id
    assert "words.json holds no object" in routes.problems["routing"]
    release(store, Stage.FULL, good)
    routes.refresh()
    assert routes.problems == {}


def test_a_row_changed_in_place_is_seen(store: Store, routes: Routes, tmp_path: Path) -> None:
    """A step that is run again writes its row again; the new share counts."""
    old, new = (add_version(store, tmp_path, refund="money") for _ in range(2))
    row = release(store, Stage.CANARY, old, new, share=0.0)
    routes.refresh()
    store.releases.put(replace(row, share=1.0))
    routes.refresh()
    assert routes.pick("routing", "e").version == new.id


def test_a_request_can_name_its_version_by_alias_or_id(
    store: Store, backend: KeywordBackend, routes: Routes, tmp_path: Path
) -> None:
    """It is loaded for the request, held until it is answered, and must be of the task."""
    version = add_version(store, tmp_path, refund="money")
    store.aliases.set("routing", "challenger", version.id)
    for name in ("challenger", version.id):
        pick = routes.pin("routing", name)
        routes.refresh()
        assert (pick.version, pick.probability, pick.release) == (version.id, 1.0, None)
        assert version.id in backend.loaded()
        routes.done(pick.version)
        routes.refresh()
        assert version.id not in backend.loaded()
    with pytest.raises(NotFound, match="not of 'replies'"):
        routes.pin("replies", version.id)
    with pytest.raises(NotFound):
        routes.pin("routing", "ver_nothing")
