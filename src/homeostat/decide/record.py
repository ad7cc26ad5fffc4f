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
    name = f"decide.ledger.{evidence.task}"
    saved = store.state.get(name)
    decision, ledger = decide(evidence, settings, now=now, turn=turn, ledger=Ledger(**saved) if saved else None)
    store.decisions.put(decision)
    store.state.put(name, asdict(ledger))
    return decision
