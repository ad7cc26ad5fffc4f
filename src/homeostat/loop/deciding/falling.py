"""By how much quality fell since a version began to answer, told by its confidence where no label measures a gain.

That bounds what retraining can win back: a newer version cannot be expected to win back more than was lost. It is no
gain, for what was lost may be nobody's to win back (requests that are noise), and confidence cannot notice that the
same requests have other right answers by now.
"""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.monitor.quality.calibration import Calibration
from homeostat.monitor.quality.course import LEAST_ROWS
from homeostat.monitor.quality.unlabeled import fallen
from homeostat.store import Store
from homeostat.types.report import Score

WINDOW = 1_000
"""Requests of the first window, and of the newest, at most."""
READ = 20_000
"""Newest requests of the version that are read."""


def fall(store: Store, task: str, version: str, labeled: Sequence[tuple[float, float]], until: float) -> Score | None:
    """The first window's quality minus the newest one's, with its 95 % interval; None of too few requests.

    Both by confidence, calibrated by what labels there are (2407.08649); without any it is taken at its word, in doubt.

    Args:
        store: the project's.
        task: which.
        version: who answers it.
        labeled: confidence of replies of the version, and how right each is, in [0, 1]; of any time.
        until: the moment of the look.
    """
    sure = [row.confidence for row in store.interactions.figures(task, READ, version=version, until=until)]
    size = min(WINDOW, len(sure) // 2)
    if size < LEAST_ROWS:
        return None
    known = Calibration.fit([one for one, _ in labeled], [one for _, one in labeled])
    return fallen(known, sure[:size], sure[-size:])
