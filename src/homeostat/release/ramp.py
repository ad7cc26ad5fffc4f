"""The share of a canary, which rises as evidence comes: few hear a candidate of which little is known."""

from __future__ import annotations

import math

from homeostat.config.schema import Release as Settings
from homeostat.release.evidence import Evidence


def next_share(settings: Settings, share: float, seen: Evidence) -> float | None:
    """The share that a canary may go on to from this one; None where it is the last, or too little is judged yet.

    The first of three wants a third of `canary_feedback`, the second two thirds, counted in users. Requests are judged
    in pairs whoever was heard, so a small share costs no time; it costs those who would hear a broken candidate until
    that shows. Whose replies are shown to be hardly ever others than the champion's waits for nobody's judgment.
    """
    higher = [one for one in settings.ramp if one > share]
    done = len(settings.ramp) - len(higher)
    wanted = math.ceil(settings.canary_feedback * done / len(settings.ramp))
    # Ratings tell of what was heard, so at a small share there are few: they count as many as at the last share.
    known = seen.users + seen.rated * (settings.ramp[-1] / share if share else 1.0)
    # What looks worse by the margin need not be shown to be: it waits where few hear it, until either is known.
    doubtful = seen.failing or seen.difference <= -settings.harm_margin
    enough = known >= wanted or seen.alike_shown(settings)
    return higher[0] if higher and enough and not doubtful else None
