"""What each seed of a stream came to, kept as a file: models fill disks and are thrown away, figures are not.

A file is found again by what makes it: the stream's rows, the base, the settings, the arms and the seed. The code is
not part of that; every file names the code that made it, and `foreign` counts those made by other code than today's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from adaptation.arms import Race

Figures = dict[str, float | None]


class Ledger:
    """Figures by seed, a file each in a folder; None keeps nothing."""

    def __init__(self, folder: Path | None, bar: str) -> None:
        self.folder, self.bar, self.foreign = folder, bar, 0

    def figures(self, race: Race, names: Sequence[str], run: Callable[[], Figures]) -> Figures:
        """Those of a race with these arms beside the usual ones: as they are kept, or else by running it."""
        if self.folder is None:
            return run()
        file = self.folder / f"{self.bar}-{race.course.name}-{race.seed}-{_key(race, names)}.json"
        if not file.exists():
            made = {"date": datetime.now(UTC).date().isoformat(), "code": race.lab.code, "figures": run()}
            self.folder.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        kept = json.loads(file.read_text(encoding="utf-8"))
        self.foreign += kept["code"] != race.lab.code
        found: Figures = kept["figures"]
        return found


def _key(race: Race, names: Sequence[str]) -> str:
    made_of = (race.lab.given, sorted(asdict(race.settings).items()), sorted(names), race.seed)
    return hashlib.sha256(repr(made_of).encode()).hexdigest()[:10]
