"""A backtest as one HTML page that needs nothing else: what each policy cost, and the course of quality under it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from homeostat.decide.replay.history import Floats
from homeostat.decide.replay.replay import Outcome
from homeostat.web import chart, words
from homeostat.web.environment import set_page, stylesheet
from homeostat.web.svg import Caption


def render(task: str, times: Floats, outcomes: Sequence[Outcome], cost: float) -> str:
    """The page. `times` are where steps begin and the last ends; the last of the `outcomes` is the oracle's."""
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
            "key_of_lines": [
                {"name": "the policy", "swatch": chart.swatch("accent")},
                {"name": "the oracle", "swatch": chart.swatch("slate dashed")},
            ],
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
