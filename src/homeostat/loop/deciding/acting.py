"""Writes down a decision that starts nothing, as a turn would that ends there."""

from __future__ import annotations

from dataclasses import replace

from homeostat.decide.record import remember
from homeostat.loop import steps
from homeostat.loop.deciding.concluding import conclude
from homeostat.loop.deciding.weighing import Plan
from homeostat.loop.noticing.looking import evidence, look, note
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop
from homeostat.types import ids
from homeostat.types.decision import Decision
from homeostat.types.turn import Turn


def note_down(shop: Workshop, plan: Plan) -> Decision:
    """Write the decision of a plan that does not retrain.

    Where no decision was due, a row says why, and nothing has been looked at: triggers go on counting. Where one was,
    it is that of a turn which ends at it.
    """
    now = look(shop, plan.task, shop.champion(plan.task), at=plan.time)
    if now.idle:
        return note(shop, plan.task, now)
    turn = ids.new("trn")
    signals = steps.watch(shop, Now(turn, plan.task, plan.until))
    found = evidence(shop, plan.task, plan.until)
    made = conclude(shop.config, shop.store, found, turn=turn, until=plan.until)
    diary = {"watch": signals, "decide": made.id}
    looked = Turn(id=turn, task=plan.task, time=plan.until, diary=diary)
    if not made.action.makes:  # otherwise quiet hours have just ended, and the worker goes on with the turn
        looked = replace(looked, state="decide", because=made.because, diary={**diary, "act": "", "end": "decide"})
    shop.store.turns.put(looked)
    if now.rule.name:
        remember(shop.store, now.rule.name, plan.task, now.found.opened)
    return made
