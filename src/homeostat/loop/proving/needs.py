"""What the gate will ask of a task's next candidate, by the test rows and suites as they are now, before it is made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from homeostat.evaluate.account import due
from homeostat.evaluate.needs import Need, needs
from homeostat.evaluate.score import PairedRow
from homeostat.loop.proving import general
from homeostat.loop.proving.examining import asked
from homeostat.loop.proving.judging import aims, unanswered
from homeostat.loop.proving.wear import RETIRED, rested
from homeostat.loop.workshop import Workshop, demanded
from homeostat.types.suite import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a task's gate will ask."""

    task: str
    champion: str
    candidate: int
    """Which one of its task the next is."""
    level: float
    """At which it has to show that it is better, by the task's account."""
    needs: tuple[Need, ...]


def planned(shop: Workshop, task: str) -> Planned:
    """What the next candidate of a task will be asked, and what that takes, by all that its requests have shown so far.

    Raises:
        NothingReleased: no version answers the task.
    """
    champion, settings = shop.champion(task), shop.config.evaluate
    until = max(champion.time, shop.store.interactions.newest(task))
    rows, retired = _rows(shop, task, until)
    coming = due(shop.store.verdicts.list(task), settings.alpha)
    questions, terms = asked(shop, shop.config.task(task), until)
    cases = Counter(part for part, _ in {(one.part, one.family or one.case) for one in questions})
    suites = {part: (cases[part], demand) for part, demand in terms.items() if cases[part]}
    suites |= general.before(shop, champion)
    suites |= {RETIRED: (retired, Terms())} if retired else {}
    found = needs(
        rows, settings, target=aims(rows), level=coming.level, fair=demanded(shop.config, task), suites=suites
    )
    return Planned(task=task, champion=champion.id, candidate=coming.place, level=coming.level, needs=tuple(found))


def _rows(shop: Workshop, task: str, until: float) -> tuple[list[PairedRow], int]:
    """Test rows as the gate will see them but for the replies, and how many others only guard."""
    chosen = rested(shop, task, shop.suite_at(task, until))
    return unanswered(shop, task, shop.champion(task), chosen.gating), len(chosen.retired)
