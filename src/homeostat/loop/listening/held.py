"""What feedback is held back from training, and what of it a person has released: a book that is only added to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from homeostat.curate.build import Inputs
from homeostat.curate.suspect import ALL, Suspicion
from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.types.feedback import TRUTHS, Feedback
from homeostat.types.interaction import Interaction

HELD, RELEASED, SHARED = "held", "released", "shared"
ALONE = "alone"
"""Group of what contradicts and nobody says with it: it waits, and nobody is told."""


@dataclass(frozen=True, slots=True)
class Book:
    """What stands in it now."""

    held: Mapping[str, str]
    """Id of feedback that is held back -> the group for which it is."""
    released: Mapping[str, float]
    """Id of feedback that was released -> when, in seconds since 1970."""
    shared: Mapping[str, float]
    """Id of feedback that waited until somebody else said so too -> when that was. It may be doubted again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One statement that is held back."""

    group: str
    feedback: str
    interaction: str
    source: str
    time: float
    text: str
    reply: str
    said: str


def book(store: Store, task: str) -> Book:
    """What is held back of a task's feedback, and what was released."""
    held, released, shared = dict[str, str](), dict[str, float](), dict[str, float]()
    for event in store.events.list(_subject(task)):
        for id in event.values["feedback"]:
            if event.name == HELD:
                held[id] = event.values["group"]
            else:
                held.pop(id, None)
                (released if event.name == RELEASED else shared)[id] = event.values["at"]
    return Book(held, released, shared)


def hold(store: Store, task: str, champion: str, found: Suspicion) -> bool:
    """Hold back what is not held yet; whether this champion's group is a new one, which is to be told."""
    groups = {
        (event.values["champion"], event.values["group"])
        for event in store.events.list(_subject(task))
        if event.name == HELD
    }
    known = book(store, task)
    new = [id for id in found.held if id not in known.held and id not in known.released]
    if new:
        values = {"group": found.group, "champion": champion, "says": found.says, "feedback": new}
        store.events.append(_subject(task), HELD, values)
    return bool(new) and (champion, found.group) not in groups


def wait(store: Store, task: str, champion: str, alone: Collection[str], heard: Collection[str], at: float) -> None:
    """Hold back what nobody says with them, the ids `alone`, and let what waited and is among `heard`, all others that
    were looked at, count from `at` on: it has company by now.
    """
    known = book(store, task)
    new = sorted(id for id in alone if id not in known.held and id not in known.released and id not in known.shared)
    if new:
        said = {"group": ALONE, "champion": champion, "says": "contradicts what is known, and nobody else says so"}
        store.events.append(_subject(task), HELD, {**said, "feedback": new})
    found = sorted(id for id, group in known.held.items() if group == ALONE and id in heard)
    if found:
        store.events.append(_subject(task), SHARED, {"feedback": found, "at": at})


def lines(store: Store, task: str) -> list[Line]:
    """Every statement that is held back, by group, oldest first."""
    found = []
    for id, group in book(store, task).held.items():
        said = store.feedback.get(id)
        request = store.interactions.get(said.interaction)
        found.append(
            Line(
                group=group,
                feedback=id,
                interaction=request.id,
                source=said.source,
                time=said.time,
                text=request.text,
                reply=request.reply,
                said=said.value,
            )
        )
    return sorted(found, key=lambda line: (line.group, line.time, line.feedback))


def release(store: Store, task: str, which: str, at: float) -> tuple[str, ...]:
    """Let the statements of a group, one statement by its id, or `all` count from `at` on, as if they were said then.
    They are not doubted again.

    Raises:
        NotFound: nothing that is held back is called so.
    """
    held = book(store, task).held
    found = tuple(id for id, group in held.items() if which in (ALL, group, id))
    if not found:
        groups = ", ".join(sorted(set(held.values()))) or "none"
        raise NotFound(f"nothing called '{which}' is held back", where=f"task {task}", fix=f"groups: {groups}")
    store.events.append(_subject(task), RELEASED, {"feedback": list(found), "at": at})
    return found


def without_held(store: Store, inputs: Inputs) -> Inputs:
    """The inputs with what is held back marked, and with what takes its place: the earlier statement about the same
    request, and whatever was released or found company since the champion was trained, as said then.
    """
    known = book(store, inputs.task.name)
    hidden = [request for request, said in inputs.pairs if said.id in known.held]
    earlier = {request.id: request for request in hidden}
    restated = [(earlier[said.interaction], said) for said in store.feedback.of(list(earlier)) if said.kind in TRUTHS]
    counts = {**known.shared, **known.released}
    late = [_said_at(store, id, at) for id, at in counts.items() if inputs.since < at <= inputs.until]
    pairs = {said.id: (request, said) for request, said in [*inputs.pairs, *restated, *late]}
    return replace(inputs, pairs=list(pairs.values()), held=frozenset(known.held))


def _said_at(store: Store, id: str, at: float) -> tuple[Interaction, Feedback]:
    said = store.feedback.get(id)
    return store.interactions.get(said.interaction), replace(said, time=at)


def _subject(task: str) -> str:
    return f"feedback:{task}"
