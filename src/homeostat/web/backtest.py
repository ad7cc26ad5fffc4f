"""A backtest as one HTML page that needs nothing else: what each policy cost, and the course of quality under it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from homeostat.decide.replay.history import Floats
from homeostat.decide.replay.replay import Outcome
from homeostat.decide.replay.whatif import WhatIf
from homeostat.web import chart, words
from homeostat.web.environment import set_page, stylesheet
from homeostat.web.svg import Caption

_LINES = (("outcome", "accent"), ("oracle", "slate dashed"), ("calendar", "alarm dotted"))
_HEADS = "a cheap head trained with exactly what was known before each step"
KEY = [
    {"name": "the policy", "swatch": chart.swatch("accent")},
    {"name": "the oracle", "swatch": chart.swatch("slate dashed")},
    {"name": "the best calendar in hindsight", "swatch": chart.swatch("alarm dotted")},
]


def render(
    task: str,
    times: Floats,
    outcomes: Sequence[Outcome],
    cost: float,
    *,
    what_if: Sequence[WhatIf] = (),
    trained: str = "",
) -> str:
    """The page. `times` are where steps begin and the last ends; the last of the `outcomes` is the oracle's; `trained`
    is the recipe of the versions that were really trained, if some were.
    """
    best = outcomes[-1]
    return set_page(
        "backtest.html",
        {
            "style": Markup(stylesheet()),
            "task": task,
            "cost": words.amount(cost),
            "first": float(times[0]),
            "last": float(times[-1]),
            "outcomes": [_said(each) for each in outcomes],
            "courses": [_course(each, best) for each in outcomes[:-1]],
            "key_of_lines": KEY[:2],
            "models": f"versions trained by {trained} and, between these, cheap heads" if trained else _HEADS,
            "what_if": [_line(each) for each in what_if],
            "key_of_values": KEY,
        },
    )


def _said(each: Outcome) -> dict[str, Any]:
    return {
        "policy": each.policy,
        "retrained": len(each.retrained),
        "quality": each.quality,
        "cost": each.cost,
        "regret": each.regret,
        "ratio": f"{each.ratio:.3f}",
    }


def _course(each: Outcome, best: Outcome) -> dict[str, str]:
    """Quality by step under a policy, beside the oracle's."""
    tracks = [
        chart.Track(name=one.policy, points=list(enumerate(one.course, 1)), tone=tone)
        for one, tone in ((best, "slate dashed"), (each, "accent"))
    ]
    said = f"{words.percent(each.quality)} right, {words.several(len(each.retrained), 'retraining')}"
    svg = chart.curves(Caption(title=f"Quality under {each.policy}", description=said), tracks, 1.0)
    return {"version": each.policy, "says": said, "svg": svg}


def _line(each: WhatIf) -> dict[str, Any]:
    """Cost and retrainings for each value of a line."""
    names = [one.value for one in each.tries]
    costs = [_tracks(each, [getattr(one, name).cost for one in each.tries], tone) for name, tone in _LINES]
    counts = [_tracks(each, [len(getattr(o, name).retrained) for o in each.tries], tone) for name, tone in _LINES]
    drawn = (("cost", costs), ("retrainings", counts))
    return {
        "key": each.key,
        "policy": each.policy,
        "note": each.note,
        "halves": words.halves(each.halves.chosen, each.halves.cost, each.halves.best, each.halves.least)
        if each.halves
        else "",
        "tries": [
            _said(one.outcome) | {"value": one.value, "in_force": one.in_force, "calendar": f"{one.calendar.ratio:.3f}"}
            for one in each.tries
        ],
        "charts": [_against(each, what, tracks, names) for what, tracks in drawn],
    }


def _tracks(each: WhatIf, values: Sequence[float], tone: str) -> chart.Track:
    return chart.Track(name=each.policy, points=[(float(k), value) for k, value in enumerate(values)], tone=tone)


def _against(each: WhatIf, what: str, tracks: Sequence[chart.Track], names: Sequence[str]) -> dict[str, str]:
    values = [value for track in tracks for _, value in track.points]
    highest = max(values)
    lowest = 0.9 * min(values) if what == "cost" else 0.0
    said = f"{each.key} from {names[0]} to {names[-1]}: {words.amount(min(values))} to {words.amount(highest)}"
    across = (lowest, highest if highest > lowest else lowest + 1.0)
    svg = chart.against(Caption(title=f"{what} against {each.key}", description=said), tracks, names, across)
    return {"version": what, "says": f"against {each.key}", "svg": svg}
