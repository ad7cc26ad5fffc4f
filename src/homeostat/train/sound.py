"""Rows that nothing can be learned from, or too easily, told before anything is trained."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from homeostat.errors import LeakedAnswer, NothingToTrainOn, UnsuitedModel
from homeostat.train.step import Comparing, Objective, Rating
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind, Task

LEAKED = 0.95
"""Share of the rows in which a label follows the same words, from which on these words are a template's."""
FEWEST = 20
"""Rows below which such a share may be chance."""
_JOINED = re.compile(r"[\s_-]+")
"""What stands between the words of a label."""
_COMPARED = 6
"""Letters before a label that have to be the same."""
_SHOWN = 30
"""Letters before a label that a message shows at most."""


def require_sound(task: Task, examples: Sequence[Example], labels: Sequence[str]) -> None:
    """Hold that a task of labels has a choice to make, and that its requests do not say the answer.

    Raises:
        NothingToTrainOn: there is one label alone, so every answer is right.
        LeakedAnswer: nearly all requests hold their own label in the same place, so nothing else would be learned.
    """
    if task.kind is not Kind.LABEL:
        return
    if len(labels) == 1 and examples:
        raise NothingToTrainOn(
            f"all {len(examples)} rows have the label '{labels[0]}', so there is nothing to tell apart",
            where=f"task {task.name}",
            fix="add rows with other labels, or name all labels of the task in tasks.NAME.labels",
        )
    place = _leak(examples)
    if place is not None:
        raise LeakedAnswer(
            f"nearly every request says its own label {place}",
            where=f"task {task.name}",
            fix="take the label out of the text that the model will see; in production it is not there",
        )


def require_rated(task: Task, examples: Sequence[Example], objective: Objective) -> None:
    """Hold that an objective that learns from ratings has some to learn from. A reply that nobody rated is right, and
    so worth as much as a reply can be.

    Raises:
        NothingToTrainOn: the ratings are all of one kind.
    """
    if not (isinstance(objective, Rating) and objective.rates):
        return
    two = isinstance(objective, Comparing) and objective.compares
    alone = [row for row in examples if row.origin is not Origin.RECALL and not (two and row.rejected)]
    lacks = objective.lacks([worth(row) for row in alone]) if alone else ""
    if lacks:
        raise NothingToTrainOn(
            lacks,
            where=f"task {task.name}",
            fix="send ratings of replies in words as feedback (`kind: rating`, 0 to 1), or take another objective",
        )


def worth(row: Example) -> float:
    """What a row's reply is worth: its rating, or 1 where it is known to be right without one."""
    return 1.0 if row.value is None else row.value


def require_labels(task: Task) -> None:
    """Hold that a task replies with labels, which is what a head tells.

    Raises:
        UnsuitedModel: it writes texts.
    """
    if task.kind is not Kind.LABEL:
        raise UnsuitedModel(
            f"task '{task.name}' writes texts, and a head tells labels",
            fix="use another recipe, such as `estimator` or `tagger`",
        )


def require_texts(task: Task) -> None:
    """Hold that a task replies with texts, which is what a head of numbers or tags writes.

    Raises:
        UnsuitedModel: it replies with labels.
    """
    if task.kind is not Kind.TEXT:
        what = f"task '{task.name}' replies with one of its labels, and this head tells numbers or tags"
        raise UnsuitedModel(what, fix="use the recipe `classifier`, or give the task `kind: text`")


def _leak(examples: Sequence[Example]) -> str | None:
    """Where the requests say their labels, or None where they do not.

    Words that speak of a label are everywhere in requests about it, so a label in a request is no leak; the same
    words before it in nearly all of them are.
    """
    if len(examples) < FEWEST or len({row.target for row in examples}) < 2:
        return None
    found = [_before(row) for row in examples]
    places = Counter(place for said in found for place in said)
    place, count = places.most_common(1)[0] if places else ("", 0)
    if count < LEAKED * len(examples):
        return None
    said = next(said[place] for said in found if place in said)
    return f"after '{said[-_SHOWN:]}'" if said else "at its beginning"


def _before(row: Example) -> dict[str, str]:
    """The last letters before the label, for every place where it stands in a request -> all that stands before. A
    label is found as it is written, and with spaces or hyphens for what joins its words.
    """
    words = [re.escape(word) for word in _JOINED.split(row.target) if word]
    written = r"[\s_-]+".join(words) if words else re.escape(row.target)
    said: dict[str, str] = {}
    for found in re.finditer(rf"(?<!\w){written}(?!\w)", row.text, re.IGNORECASE):
        before = row.text[: found.start()]
        said.setdefault(before[-_COMPARED:], before)
    return said
