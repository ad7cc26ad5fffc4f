"""The only file of this room that touches the store: decides a turn with the task's ledger and the policy's book, and
writes all of it down, with what it was decided from.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from homeostat.config.schema import Decide
from homeostat.decide.budget import Book, Booking, booked
from homeostat.decide.errand import Errand, errand
from homeostat.decide.policy import Ledger, decide
from homeostat.decide.rule import Memory
from homeostat.decide.value import Bounds, Evidence
from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.store.rows import plain, rebuild
from homeostat.types import ids
from homeostat.types.decision import Action, Decision

_SECONDS_PER_HOUR = 3600.0


def record(
    store: Store, evidence: Evidence, settings: Decide, *, now: float, turn: str, bounds: Bounds | None = None
) -> Decision:
    """Decide and store the decision, "did nothing" too. A turn that has decided keeps its decision, however often this
    is run: what the clock says now and what others have taken since does not change it.

    Raises:
        StoreFull: the disk is full.
    """
    if (known := made(store, turn)) is not None:
        return known
    decision, ledger = decided(store, evidence, settings, now=now, turn=turn, bounds=bounds)
    saved = store.state.get(_ledger(evidence.task))
    before = Ledger(**saved) if saved else None
    given = {
        "evidence": evidence,
        "settings": settings,
        "bounds": bounds or Bounds(),
        "ledger": before,
        "now": now,
        "turn": turn,
    }
    decision = replace(decision, inputs=store.blobs.put_text(json.dumps(plain(given), sort_keys=True)))
    # The decision last: whoever finds it finds the ledger as it is after it.
    if ledger != before:
        store.state.put(_ledger(evidence.task), asdict(ledger))
    store.decisions.put(decision)
    return store.decisions.get(decision.id)


def made(store: Store, turn: str) -> Decision | None:
    """What a turn has decided already; None if it has not."""
    try:
        return store.decisions.get(ids.derived("dec", turn, "decide"))
    except NotFound:
        return None


def decided(
    store: Store, evidence: Evidence, settings: Decide, *, now: float, turn: str, bounds: Bounds | None = None
) -> tuple[Decision, Ledger]:
    """What would be decided with the task's ledger, and the ledger after it; nothing is written."""
    saved = store.state.get(_ledger(evidence.task))
    return decide(evidence, settings, now=now, turn=turn, ledger=Ledger(**saved) if saved else None, bounds=bounds)


def replayed(store: Store, decision: str) -> Decision:
    """The decision of this id made again from what it was made from; equal to the stored one, bit for bit.

    Raises:
        NotFound: there is no such decision, or what it was made from was not kept.
    """
    stored = store.decisions.get(decision)
    if not stored.inputs:
        raise NotFound(f"what '{decision}' was made from was not kept", where="table decisions")
    given: dict[str, Any] = json.loads(store.blobs.text(stored.inputs))
    again, _ = decide(
        rebuild(Evidence, given["evidence"]),
        rebuild(Decide, given["settings"]),
        now=given["now"],
        turn=given["turn"],
        ledger=Ledger(**given["ledger"]) if given["ledger"] else None,
        bounds=rebuild(Bounds, given["bounds"]),
    )
    return replace(again, inputs=stored.inputs)


def book(store: Store, policy: str) -> Book:
    """What the turns of a policy have taken; empty for the built-in one, which has no budget."""
    return _read(store.state.get(_book(policy), [])) if policy else ()


def take(store: Store, policy: str, new: Booking, *, most: int | None = None) -> bool:
    """Book what a turn takes, in place of what was booked for it; whether it was.

    It is not where `most` bookings were there when the decision was made and there are more now: somebody else was
    quicker, and a decision on what is left has to be made anew.
    """
    fits = True

    def change(value: Any) -> Any:
        nonlocal fits
        known = _read(value or [])
        others = sum(one.turn != new.turn for one in known)
        fits = most is None or others <= most
        return plain(booked(known, new)) if fits else value

    store.state.change(_book(policy), change)
    return fits


def give_back(store: Store, policy: str, turn: str) -> None:
    """Take a turn out of the book: it was rejected."""
    store.state.change(_book(policy), lambda value: [one for one in value or [] if one["turn"] != turn])


def remembered(store: Store, policy: str, task: str) -> Memory:
    """What a policy remembers of a task."""
    saved = store.state.get(_memory(policy, task))
    return rebuild(Memory, saved) if saved else Memory()


def remember(store: Store, policy: str, task: str, memory: Memory) -> None:
    """Have a policy remember this of a task."""
    store.state.put(_memory(policy, task), memory)


def evidence_of(store: Store, decision: Decision) -> Evidence | None:
    """What a decision was made from; None where that was not kept."""
    if not decision.inputs:
        return None
    found: Evidence = rebuild(Evidence, json.loads(store.blobs.text(decision.inputs))["evidence"])
    return found


def errand_of(store: Store, decision: Decision) -> Errand:
    """What a decision leaves to people: nothing where a candidate is made, or what it was made from is not kept."""
    if decision.action.makes or not decision.inputs:
        return Errand()
    try:
        given: dict[str, Any] = json.loads(store.blobs.text(decision.inputs))
    except NotFound:  # erased, with somebody who was in it
        return Errand()
    evidence, settings = rebuild(Evidence, given["evidence"]), rebuild(Decide, given["settings"])
    return errand(decision, evidence, settings, rebuild(Bounds, given["bounds"]))


def booking(decision: Decision, evidence: Evidence, turn: str, at: float) -> Booking:
    """What a decision that makes a candidate is expected to take."""
    option = next((one for one in evidence.options if one.name == decision.chosen), None)
    cpu_s, gpu_s = (option.cpu_s, option.gpu_s) if option else (evidence.train_cpu_s, evidence.train_gpu_s)
    return Booking(
        turn=turn,
        task=decision.task,
        time=at,
        money=decision.cost - decision.costs.get("risk", 0.0),
        cpu_hours=cpu_s / _SECONDS_PER_HOUR,
        gpu_hours=gpu_s / _SECONDS_PER_HOUR,
        retrainings=float(decision.action is Action.RETRAIN),
    )


def _read(value: Any) -> Book:
    return tuple(rebuild(Booking, one) for one in value)


def _ledger(task: str) -> str:
    return f"decide.ledger.{task}"


def _book(policy: str) -> str:
    return f"decide.book.{policy}"


def _memory(policy: str, task: str) -> str:
    return f"decide.memory.{policy}.{task}"
