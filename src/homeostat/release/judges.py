"""Judges and people apart: whose word on replies is whose, while versions are tried and when one looks back.

A judge is a rule or a model that rates; who it is, its name says. What it says is on a scale of its own, so its rating
never takes the place of a person's, and where people say what is right a judge's label counts for nothing. What it
rated since it was told to have changed (`loop.judges`) counts nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from homeostat.store import Store
from homeostat.types.feedback import TRUTHS, Feedback, FeedbackKind
from homeostat.types.signal import Moved

JUDGE = "judge"
"""What sources of ratings are called that are judges: `judge`, or a name that begins with it, as `judge:large`."""
JUDGED = "judged"
"""Under what a judge's rating stands among what was said of a request."""
PLACE = "judge="
"""Before a judge's name in the slice of a signal."""
Said = Mapping[str, Feedback]
"""Of one request the newest statement of each kind: people's, or a judge's where they made none; and under JUDGED the
newest rating by a judge."""


def is_judge(source: str) -> bool:
    """Whether a source of ratings is a judge: its name is `judge`, or begins so and goes on with no letter."""
    return source.startswith(JUDGE) and not source[len(JUDGE) :][:1].isalnum()


def rates(said: Feedback) -> bool:
    """Whether it is a judge's rating."""
    return said.kind is FeedbackKind.RATING and is_judge(said.source)


def changed(store: Store, task: str) -> dict[str, list[tuple[float, float]]]:
    """Judge -> each of its changes, as when it came, by estimate, and when that was noticed; oldest first. Judges that
    did not change are left out.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for signal in store.signals.list(task):
        if signal.moved is Moved.JUDGE:
            found.setdefault(signal.slice.removeprefix(PLACE), []).append((signal.since or signal.time, signal.time))
    return {judge: sorted(times) for judge, times in found.items()}


def believed(store: Store, task: str, said: Iterable[Feedback]) -> list[Feedback]:
    """The statements without the ratings that a judge gave since it changed: they are on another scale, or on none.
    A judge by a new name begins anew.
    """
    since = {judge: times[0][0] for judge, times in changed(store, task).items()}
    return [f for f in said if not (rates(f) and f.time >= since.get(f.source, np.inf))]


def said_of(store: Store, task: str, requests: Sequence[str]) -> dict[str, Said]:
    """Interaction -> what was said of it; those of which nothing was said are left out."""
    found: dict[str, dict[str, Feedback]] = {}
    for one in believed(store, task, store.feedback.of(requests)):  # oldest first: the newest of a kind stays
        known = found.setdefault(one.interaction, {})
        if rates(one):
            known[JUDGED] = one
        elif not is_judge(one.source) or one.kind not in known or is_judge(known[one.kind].source):
            known[one.kind] = one
    return dict(found)


def truth_of(said: Iterable[Feedback]) -> Feedback | None:
    """The newest of some statements that says what is right: by people, else by a judge; None where none does."""
    given = [one for one in said if one.kind in TRUTHS]
    return max(given, key=lambda one: (not is_judge(one.source), one.time), default=None)
