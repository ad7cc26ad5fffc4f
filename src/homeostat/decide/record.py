"""The only file of this room that touches the store: decides a turn with the task's ledger and writes both down."""

from __future__ import annotations

from dataclasses import asdict

from homeostat.config.schema import Decide
from homeostat.decide.policy import Ledger, decide
from homeostat.decide.value import Evidence
from homeostat.store import Store
from homeostat.types.decision import Decision


def record(store: Store, evidence: Evidence, settings: Decide, *, now: float, turn: str) -> Decision:
    """Decide and store the decision, "did nothing" too. Run again in the same turn, it decides and stores the same.

    Raises:
        StoreFull: the disk is full.
    """
    decision, ledger = decided(store, evidence, settings, now=now, turn=turn)
    store.decisions.put(decision)
    store.state.put(_name(evidence.task), asdict(ledger))
    return decision


def decided(store: Store, evidence: Evidence, settings: Decide, *, now: float, turn: str) -> tuple[Decision, Ledger]:
    """What would be decided with the task's ledger, and the ledger after it; nothing is written."""
    saved = store.state.get(_name(evidence.task))
    return decide(evidence, settings, now=now, turn=turn, ledger=Ledger(**saved) if saved else None)


def _name(task: str) -> str:
    return f"decide.ledger.{task}"
