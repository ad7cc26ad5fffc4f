"""Which versions have learned from erased rows follows from what they were made from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from homeostat.store import Store
from homeostat.store.describe import DESCRIBED
from homeostat.store.erased import goes_on, learned_from_erased
from homeostat.types.dataset import Dataset
from homeostat.types.version import HEAD, Version

WARM, COLD, EXACT = {"warm_start": True}, {"warm_start": False, "penalties": []}, {"objective": {"exact": {}}}


def version(store: Store, name: str, dataset: str = "", parent: str = "", **more: object) -> Version:
    """A version that learned from a dataset and goes on from a parent."""
    fields = {"task": "t", "time": 1.0, "base": "b", "recipe": WARM, **more}
    made = Version(id=f"ver_{name}", dataset=dataset, parent=parent, **fields)  # type: ignore[arg-type]
    store.versions.put(made)
    return made


def test_it_passes_on_to_all_that_came_of_it(tmp_path: Path) -> None:
    """Whoever learned from a rebuilt dataset, goes on from such a one, was taught or mended by it, or reads its words;
    not its ancestors, not what was made from the bare base or solved from rows of its own, not what was rebuilt.
    """
    with Store.open(f"sqlite:///{tmp_path}/store.db", tmp_path / "blobs") as store:
        for name in ("clean", "hit", "words"):
            store.datasets.put(Dataset(id=f"dst_{name}", task="t", time=1.0, blob=""))
        version(store, "old", "dst_clean")
        version(store, "seen", "dst_hit", "ver_old")
        version(store, "child", "dst_clean", "ver_seen")
        version(store, "grandchild", "dst_clean", "ver_child")
        version(store, "student", "dst_clean", teachers=("ver_child", "https://elsewhere"))
        version(store, "cold", "dst_clean", "ver_seen", recipe=COLD)
        version(store, "held", "dst_clean", "ver_seen", recipe={**COLD, "penalties": [{"divergence": {}}]})
        version(store, "head", "dst_clean", "ver_seen", kind=HEAD, recipe=EXACT)
        version(store, "mended", "dst_clean", "ver_old")
        store.lineage.link("ver_mended", "ver_seen", "steps back from")
        version(store, "worded", "dst_clean", "ver_old")
        store.lineage.link("ver_worded", "dst_words", "was worded with")
        version(store, "rebuilt", "dst_clean", "ver_old")
        store.lineage.link("ver_rebuilt", "ver_seen", "rebuilds")
        assert learned_from_erased(store) == {}
        told = {"ver_seen", "ver_child", "ver_grandchild", "ver_student", "ver_held", "ver_mended"}
        assert learned_from_erased(store, also=["dst_hit"]) == dict.fromkeys(told, "dst_hit")
        for name in ("hit", "words"):
            store.datasets.put(replace(store.datasets.get(f"dst_{name}"), rebuilt="dst_clean"))
        assert set(learned_from_erased(store, "t")) == told | {"ver_worded"}
        assert learned_from_erased(store, "another task") == {}
        assert "erased" in DESCRIBED["ver"](store, "ver_grandchild")
        assert "erased" not in DESCRIBED["ver"](store, "ver_rebuilt")
        assert "what is left is dst_clean" in DESCRIBED["dst"](store, "dst_hit")


def test_what_goes_on_from_a_parent() -> None:
    """Whatever does not say that it began anew."""
    plain = Version(id="ver_1", task="t", time=1.0, base="b")
    assert goes_on(plain)
    assert not goes_on(replace(plain, recipe=COLD))
    assert not goes_on(replace(plain, kind=HEAD, recipe=EXACT))
    assert goes_on(replace(plain, kind="lora", recipe=EXACT))


def test_who_was_made_of_versions_has_learned_what_they_have(tmp_path: Path) -> None:
    """A version merged of others, one that is several, and one that began at another's layers, each through any of
    them; and what goes on from such a one.
    """
    with Store.open(f"sqlite:///{tmp_path}/store.db", tmp_path / "blobs") as store:
        for name in ("clean", "hit"):
            store.datasets.put(Dataset(id=f"dst_{name}", task="t", time=1.0, blob=""))
        version(store, "one", "dst_clean")
        version(store, "two", "dst_hit")
        for name, relation in (("merged", "merges"), ("several", "combines"), ("begun", "begins from")):
            version(store, name, "dst_clean", recipe=COLD)
            store.lineage.link(f"ver_{name}", "ver_one", relation)
            assert f"ver_{name}" not in learned_from_erased(store, also=["dst_hit"])
            store.lineage.link(f"ver_{name}", "ver_two", relation)
        version(store, "next", "dst_clean", "ver_merged")
        told = {"ver_two", "ver_merged", "ver_several", "ver_begun", "ver_next"}
        assert set(learned_from_erased(store, also=["dst_hit"])) == told
