"""`why`: from any id back to the requests that it came from, and on to all that came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from homeostat.errors import NotFound, did_you_mean
from homeostat.store.describe import DESCRIBED
from homeostat.store.missing import NOUNS
from homeostat.store.store import Store
from homeostat.types.interaction import Role

MANY = 20
"""More nouns than this in one relation are counted instead of listed."""
SHOWN = 3
"""Of those that are counted, how many are listed as examples."""
DEPTH = 8
"""Steps that are walked in each direction unless another number is asked for."""
ANSWERED = {Role.PRIMARY: "answered by", Role.SHADOW: "answered unseen by", Role.FAILED: "not answered by"}
"""How a request is tied to its version: what users got, what was replied to a copy, which nobody got, and an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A noun, or a number of nouns of one kind, and what it is tied to."""

    id: str = ""
    """Empty when `count` nouns are meant."""
    relation: str = ""
    """How it is tied to the noun above it; a verb whose subject is the younger of the two."""
    says: str = ""
    """The noun in a line."""
    count: int = 1
    came_from: tuple[Tree, ...] = ()
    led_to: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Nouns of one kind that are tied to a noun in one way; `ids` may be a few of them when there are many."""

    relation: str
    begins: str
    ids: tuple[str, ...]
    total: int


def why(store: Store, id: str, depth: int = DEPTH) -> Tree:
    """What a noun came from, down to the requests and what was said of them, and what came of it, `depth` steps far.

    A noun that was met already is named again but not walked again; more than 20 of one kind are counted.

    Raises:
        NotFound: the store does not hold the id.
    """
    root = Tree(id=id, says=_says(store, id))
    back, on = _Walk(store, _origins, {id}), _Walk(store, _outcomes, {id})
    return replace(root, came_from=back.from_(id, depth), led_to=on.from_(id, depth))


def lines(tree: Tree) -> list[str]:
    """The tree as text: a line per noun, indented under what it is tied to: ← what it came from, → what came of it."""
    return [_name(tree), *_drawn_back(tree.came_from, 1), *_drawn_on(tree.led_to, 1)]


def _drawn_back(trees: Iterable[Tree], depth: int) -> Iterator[str]:
    for tree in trees:
        yield f"{'  ' * depth}← {tree.relation} {_name(tree)}"
        yield from _drawn_back(tree.came_from, depth + 1)


def _drawn_on(trees: Iterable[Tree], depth: int) -> Iterator[str]:
    for tree in trees:
        yield f"{'  ' * depth}→ {_name(tree)}  ({tree.relation} it)"
        yield from _drawn_on(tree.led_to, depth + 1)


def _name(tree: Tree) -> str:
    return f"{tree.id}  {tree.says}".strip()


def _says(store: Store, id: str) -> str:
    begins = id.partition("_")[0]
    if begins not in DESCRIBED:
        raise NotFound(f"no noun's id begins with '{begins}'", where=id, fix=did_you_mean(begins, NOUNS))
    return DESCRIBED[begins](store, id)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk in one direction, and the ids it has met."""

    store: Store
    ties: Callable[[Store, str], list[_Group]]
    met: set[str]

    def from_(self, id: str, depth: int) -> tuple[Tree, ...]:
        """The trees tied to a noun."""
        if depth == 0:
            return ()
        found: list[Tree] = []
        for group in self.ties(self.store, id):
            if group.total > MANY:
                found.append(self._counted(group))
            else:
                found += [self._one(group.relation, other, depth - 1) for other in group.ids]
        return tuple(found)

    def _one(self, relation: str, id: str, depth: int) -> Tree:
        try:
            tree = Tree(id=id, relation=relation, says=_says(self.store, id))
        except NotFound:
            return Tree(id=id, relation=relation, says="not in the store")
        if id in self.met:
            return tree
        self.met.add(id)
        if id.startswith("int_"):
            return self._with(tree, self._said_of((id,)))
        return self._with(tree, self.from_(id, depth))

    def _counted(self, group: _Group) -> Tree:
        noun = NOUNS.get(group.begins, group.begins)
        plural = noun if noun == "feedback" else f"{noun}s"
        tree = Tree(relation=group.relation, says=f"{group.total} {plural}", count=group.total)
        examples = tuple(self._one(group.relation, id, 0) for id in group.ids[:SHOWN])
        said = self._said_of(group.ids) if group.begins == "int" and self.ties is _origins else ()
        return self._with(tree, (*said, *examples))

    def _said_of(self, interactions: tuple[str, ...]) -> tuple[Tree, ...]:
        """What people said of interactions: itself where it is little, else how much."""
        said = self.store.feedback.of(interactions)
        relation = "taught by" if self.ties is _origins else "is about"
        if len(said) > MANY:
            return (Tree(relation=relation, says=f"{len(said)} feedback", count=len(said)),)
        return tuple(Tree(id=one.id, relation=relation, says=_says(self.store, one.id)) for one in said)

    def _with(self, tree: Tree, branches: tuple[Tree, ...]) -> Tree:
        return replace(tree, came_from=branches) if self.ties is _origins else replace(tree, led_to=branches)


def _origins(store: Store, id: str) -> list[_Group]:
    found = _groups(store.lineage.parents(id))
    if id.startswith("int_"):
        one = store.interactions.get(id)
        ties = [(ANSWERED[one.role], one.version), ("copies", one.of)]
        found += _groups([(relation, other) for relation, other in ties if other])
    if id.startswith("fbk_"):
        found += _groups([("is about", store.feedback.get(id).interaction)])
    return found


def _outcomes(store: Store, id: str) -> list[_Group]:
    if id.startswith("fbk_"):
        return _groups(store.lineage.children(store.feedback.get(id).interaction))
    found = _groups(store.lineage.children(id))
    if id.startswith("int_"):
        found += _groups([("is about", one.id) for one in store.feedback.of([id])])
        found += _groups([("copies", copy) for copy in store.interactions.copies(id)])
    if id.startswith("ver_"):
        found += _answered(store, id)
    return found


def _answered(store: Store, version: str) -> list[_Group]:
    """What a version answered, and apart from it what it answered for nobody: too much, for a version that served, to
    be fetched only to be counted.
    """
    task, found = store.versions.get(version).task, []
    for role, relation in ANSWERED.items():
        total = store.interactions.count(task, role=role, version=version)
        some = store.interactions.list(task, role=role, version=version, limit=MANY if total <= MANY else SHOWN)
        if total:
            found.append(_Group(relation=relation, begins="int", ids=tuple(one.id for one in some), total=total))
    return found


def _groups(ties: list[tuple[str, str]]) -> list[_Group]:
    """Ties of one relation to one kind of noun, together."""
    keyed = [(relation, id.partition("_")[0], id) for relation, id in ties]
    found: list[_Group] = []
    for (relation, begins), group in groupby(sorted(keyed), key=lambda tie: tie[:2]):
        ids = tuple(id for _, _, id in group)
        found.append(_Group(relation=relation, begins=begins, ids=ids, total=len(ids)))
    return found
