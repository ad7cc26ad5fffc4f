"""How the champions of a task came to answer everybody: what was shown of each beforehand."""

from __future__ import annotations

from enum import StrEnum

from homeostat.release.proven import swapped
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.report import Outcome

REBUILDS = "rebuilds"
"""How a version that was made again without erased rows is tied to the one that it stands for."""


class Way(StrEnum):
    """What a promotion rests on."""

    BETTER = "shown to be better"
    """The gate let it pass, at the level of the task's account."""
    NOT_WORSE = "shown to be no worse"
    """Live pairs have, after a gate that was unsure."""
    EARLIER = "passed before the account"
    """A gate let it pass that kept no account."""
    AGAIN = "made again without erased rows"
    """The champion had to go, and no harm of this one was shown in its trial; no gate was asked."""
    BY_HAND = "decided by a person"
    """The first champion, and what was promoted without a trial."""


def promoted(store: Store, task: str) -> dict[str, Way]:
    """Every version that was promoted to answer everybody, in order, and what that rests on. Ways back are none."""
    verdicts = {verdict.candidate: verdict for verdict in store.verdicts.list(task)}
    tried, found, last = set[str](), dict[str, Way](), ""
    for release in store.releases.list(task):
        tried |= {release.candidate}
        if release.stage is Stage.FULL and release.champion != last:
            verdict = verdicts.get(release.champion)
            if verdict is None or release.champion not in tried:
                again = release.champion in tried and _made_again(store, release.champion)
                way = Way.AGAIN if again else Way.BY_HAND
            elif verdict.outcome is not Outcome.PASS:
                way = Way.NOT_WORSE
            else:
                way = Way.BETTER if verdict.spent else Way.EARLIER
            found.setdefault(release.champion, way)
        last = release.champion
    return found


def _made_again(store: Store, version: str) -> bool:
    """Whether it stands for another one whose rows were erased."""
    return any(how == REBUILDS for how, _ in store.lineage.parents(version))


def passed(store: Store, task: str, candidate: str, base: str = "") -> bool:
    """Whether the newest verdict on a candidate is a pass, and of the very files that answer, byte for byte: its own,
    and those of the base that it stands on, which is the project's, `base`, or the one that was named if that is left
    out. A verdict from before bases were hashed names none, and holds.
    """
    said = [verdict for verdict in store.verdicts.list(task) if verdict.candidate == candidate]
    served = store.versions.get(candidate)
    if not said or said[-1].outcome is not Outcome.PASS or said[-1].artifact != served.blob:
        return False
    return swapped(store, served, base) is None
