"""What a turn rests on, as rows to be set: the funnel of a dataset's counts and the scores of a report."""

from __future__ import annotations

from typing import Any

from homeostat.web import chart, words
from homeostat.web.document import Document, number, part, score

Row = dict[str, Any]

_STEPS = {
    "selected": "requests with feedback since the last turn",
    "targeted": "whose feedback says the right reply",
    "cleaned": "left after cleaning",
    "settled": "free of contradictions",
    "deduplicated": "distinct",
    "fenced": "unlike anything in the evaluation sets",
    "new": "to be learned",
    "remembered": "examples learned before",
    "superseded": "of them contradicted by newer ones, dropped",
    "replayable": "still true and not among the new ones",
    "replayed": "drawn, so that they are not forgotten",
    "total": "examples in the dataset",
}
_BEGINS = ("remembered", "total")
"""Counts that do not continue the one before them."""


def funnel(counts: Document) -> list[Row]:
    """A row per count: its number, its bar, how many the step dropped, and what is left in words."""
    known = {name: int(n) for name, value in counts.items() if (n := number(value)) is not None}
    most, before, found = max(known.values(), default=0) or 1, 0, list[Row]()
    for name, n in known.items():
        dropped = max(0, before - n) if name not in _BEGINS and name != "superseded" else 0
        tone = "slate" if name == "superseded" else "accent"
        row = {"name": name, "n": words.count(n), "bar": chart.share(n / most, tone), "what": _STEPS.get(name, "")}
        found.append({**row, "dropped": f"−{words.count(dropped)}" if dropped else "", "begins": name in _BEGINS})
        before = before if name == "superseded" else n
    return found


def measured(scores: Document) -> list[Row]:
    """Rows of a report: both accuracies, then the paired difference overall and per group, with a strip each."""
    found = []
    for name in ("candidate", "champion"):
        value = score(scores.get(f"{name}_score", scores.get(name)))
        if value:
            found.append({"name": name, "says": words.scored(value.mean, value.low, value.high, value.n), "strip": ""})
    difference = {"overall, paired": scores.get("difference"), **part(scores, "groups")}
    known = [(name, value) for name, raw in difference.items() if (value := score(raw)) is not None]
    reach = max((abs(edge) for _, value in known for edge in (value.low, value.high)), default=0.0) or 1.0
    for name, value in known:
        drawn = chart.strip(value.mean, value.low, value.high, (-reach, reach), 0.0) if value.n else ""
        found.append({"name": name, "says": words.moved(value.mean, value.low, value.high, value.n), "strip": drawn})
    return found
