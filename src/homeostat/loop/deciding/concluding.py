"""Decides a turn within what its policy allows, and keeps the policy's book."""

from __future__ import annotations

from dataclasses import replace

from homeostat.config.schema import Config
from homeostat.decide.budget import Book, Given
from homeostat.decide.record import book, booking, decided, give_back, made, record, take
from homeostat.decide.rule import bounds, rule_of
from homeostat.decide.value import Bounds, Evidence
from homeostat.loop.deciding.seeing import clock
from homeostat.loop.making.lost import losses
from homeostat.store import Store
from homeostat.types.decision import Decision
from homeostat.types.feedback import TRUTHS
from homeostat.types.turn import ASKED, Turn

_SECONDS_PER_HOUR = 3600.0


def conclude(config: Config, store: Store, evidence: Evidence, *, turn: str, until: float) -> Decision:
    """Decide a turn that looks up to `until`, and write the decision down. What it takes is booked before it is written
    down, and as long as others were quicker it is decided anew: no budget is ever taken twice.
    """
    task = evidence.task
    rule, settings = rule_of(config, task), config.deciding(task)
    asked = any(one.id == turn and ASKED in one.diary for one in store.turns.list(task))
    while True:
        others = tuple(one for one in book(store, rule.name) if one.turn != turn)
        at = clock(config, store, task) if rule.name else until
        around = bounds_of(config, store, task, at=at, ahead=others, asked=asked)
        decision, _ = decided(store, evidence, settings, now=until, turn=turn, bounds=around)
        if not rule.name:
            break
        if not decision.action.makes:
            give_back(store, rule.name, turn)  # booked before a crash, and the world has moved on
            break
        if take(store, rule.name, booking(decision, evidence, turn, around.time), most=len(others)):
            break
    return record(store, evidence, settings, now=until, turn=turn, bounds=around)


def bounds_of(
    config: Config,
    store: Store,
    task: str,
    *,
    at: float,
    ahead: Book | None = None,
    untriggered: str = "",
    asked: bool = False,
) -> Bounds:
    """What the policy of a task lays around a decision at a moment.

    Args:
        config: the project's.
        store: the project's.
        task: which.
        at: the moment.
        ahead: what the policy's turns take; as it is in the store if left out.
        untriggered: why no decision is due.
        asked: whether a person asks for a turn, to whom nothing has to be advised any more.
    """
    rule = rule_of(config, task)
    taken = book(store, rule.name) if ahead is None else ahead
    sharing = [name for name, entry in config.tasks.items() if entry.policy == rule.name]

    def labels(since: float) -> Given:
        n = {name: sum(f.kind in TRUTHS for f in store.feedback.list(name, since)) for name in sharing}
        return Given(sum(n.values()), sum(k * config.deciding(name).price_per_label for name, k in n.items() if k))

    around = bounds(
        rule,
        at=at,
        retrained=max((one.time for one in taken if one.task == task), default=None),
        book=taken,
        labels=labels,
        untriggered=untriggered,
    )
    return replace(around, action="retrain") if asked and around.action == "advise" else around


def settle(config: Config, store: Store, turn: Turn) -> None:
    """Book what a turn that has trained really took, in place of what was expected; what left nothing counts too."""
    policy = config.tasks[turn.task].policy if turn.task in config.tasks else ""
    known = next((one for one in book(store, policy) if one.turn == turn.id), None)
    trained = [left for step, left in turn.diary.items() if step.startswith("train.") and left]
    if known is None or not trained or made(store, turn.id) is None:
        return
    costs, settings = (
        [*(store.versions.get(id).cost for id in trained), *losses(store, turn.id)],
        config.deciding(turn.task),
    )
    cpu, gpu = (sum(cost.get(f"{kind}_seconds", 0.0) for cost in costs) / _SECONDS_PER_HOUR for kind in ("cpu", "gpu"))
    prices = ((cpu, settings.price_per_cpu_hour), (gpu, settings.price_per_gpu_hour))
    money = sum(hours * price for hours, price in prices if hours and price)
    took = replace(known, cpu_hours=cpu, gpu_hours=gpu, money=money)
    take(store, policy, took)
