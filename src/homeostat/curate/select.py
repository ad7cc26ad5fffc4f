"""Which labeled interactions are new since the champion's dataset, and how many of them a dataset can hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from homeostat.curate.text import tidy
from homeostat.types.dataset import Example
from homeostat.types.feedback import TRUTHS, Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role

Pair = tuple[Interaction, Feedback]


def select(pairs: Iterable[Pair], *, since: float, until: float) -> list[Pair]:
    """One pair per interaction: users' own requests with feedback given after `since` and up to `until`, oldest first.

    The newest statement of what the reply should have been (label or correction) wins; a rating counts only where
    nobody made one; comments never do. What counts is when the feedback came, so that a label that arrived late for an
    old request is not lost. Times are seconds since 1970; feedback that came at the same moment is ordered by its id.
    """
    best: dict[str, Pair] = {}
    for pair in pairs:
        request, feedback = pair
        if request.role is not Role.PRIMARY or feedback.kind is FeedbackKind.COMMENT or feedback.time > until:
            continue
        if request.id not in best or _rank(feedback) > _rank(best[request.id][1]):
            best[request.id] = pair
    fresh = (pair for pair in best.values() if pair[1].time > since)
    return sorted(fresh, key=lambda pair: (pair[0].time, pair[0].id))


def corrected(pairs: Iterable[Pair]) -> list[Pair]:
    """The selected pairs whose feedback says that another reply was right, in their order.

    To be asked of what `select` leaves, where the last statement stands alone: who takes a correction back says that
    the reply was right. A rating says how a reply was liked, and not that another one was right.
    """
    truths = (pair for pair in pairs if pair[1].kind in TRUTHS)
    return [(request, said) for request, said in truths if tidy(said.value) != tidy(request.reply)]


def _rank(feedback: Feedback) -> tuple[bool, float, str]:
    return feedback.kind in TRUTHS, feedback.time, feedback.id


def newest(examples: Sequence[Example], *, most: int, most_per_label: int = 0) -> list[Example]:
    """The newest `most` examples, with at most `most_per_label` of one target (0: any number), in the order given."""
    taken: defaultdict[str, int] = defaultdict(int)
    kept: list[int] = []
    for row in sorted(range(len(examples)), key=lambda row: (examples[row].time, row), reverse=True):
        target = examples[row].target
        if len(kept) < most and not 0 < most_per_label <= taken[target]:
            taken[target] += 1
            kept.append(row)
    return [examples[row] for row in sorted(kept)]
