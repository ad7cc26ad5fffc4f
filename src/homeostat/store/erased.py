"""Which versions have learned from rows that were erased since, by what they were made from.

Nothing is written down of it: it follows from the rows, so that it is known of a version that is made later too, and
that nothing has to be repaired after a crash.
"""

from __future__ import annotations

from collections.abc import Collection

from homeostat.store.store import Store
from homeostat.types.version import HEAD, Version

_TAUGHT = (
    "learned from",
    "was taught by",
    "was worded with",
    "repairs",
    "steps back from",
    "merges",
    "combines",
    "begins from",
)
_CONTINUES = "continues"


def learned_from_erased(store: Store, task: str = "", also: Collection[str] = ()) -> dict[str, str]:
    """Version -> the dataset because of which it is one, for every version of a task, or of all, that has learned from
    erased rows: itself, or what it goes on from, or who taught it. `also` are datasets of which rows are about to go.
    """
    gone = {dataset.id for dataset in store.datasets.list() if dataset.rebuilt} | set(also)
    versions = {version.id: version for version in store.versions.list()} if gone else {}
    found: dict[str, str] = {}
    for id in versions:
        _walk(store, id, versions, gone, found)
    return {id: why for id, why in found.items() if why and task in ("", versions[id].task)}


def _walk(store: Store, id: str, versions: dict[str, Version], gone: set[str], found: dict[str, str]) -> str:
    """The dataset because of which a version is one; empty where it is none."""
    if id in gone:
        return id
    if id not in versions:
        return ""
    if id not in found:
        found[id] = ""  # nothing comes of itself; a circle in what was carried here ends
        made_from = [other for relation, other in store.lineage.parents(id) if _taught(relation, versions[id])]
        found[id] = next(filter(None, (_walk(store, one, versions, gone, found) for one in made_from)), "")
    return found[id]


def _taught(relation: str, version: Version) -> bool:
    return relation in _TAUGHT or (relation == _CONTINUES and goes_on(version))


def goes_on(version: Version) -> bool:
    """Whether anything of its parent is in a version's weights. An exact head is what its own rows make of it, and a
    run from the bare base without a champion at its side is another's child by name alone.
    """
    recipe = version.recipe
    if version.kind == HEAD and "exact" in _named(recipe.get("objective")):
        return False
    return bool(recipe.get("warm_start", True)) or bool(recipe.get("penalties"))


def _named(part: object) -> tuple[str, ...]:
    return tuple(part) if isinstance(part, dict) else ()
