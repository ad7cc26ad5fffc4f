"""What `doctor` asks of the base: whether it was exchanged under who answers, since that was proven.

The rooms that do the work are imported when they are asked about, as in `parts`.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from homeostat.cli.check import Check, Level
from homeostat.config.schema import Config


def base(config: Config) -> Check:
    """Whether who answers each task stands on the very bytes of the base that it was proven over; a store of SQLite
    that is not there yet is not made.

    Raises:
        OtherBase: a file of the base changes while it is read.
    """
    file = Path(config.database.removeprefix("sqlite:///"))
    if config.database.startswith("sqlite") and not file.exists():
        return Check(name="base", found="nothing answers yet")
    proven = importlib.import_module("homeostat.release.proven")
    with importlib.import_module("homeostat.store").Store.open(config.database, config.blobs) as store:
        names = filter(None, (store.aliases.get(task, "champion") for task in config.tasks))
        champions = [store.versions.get(name) for name in names]
        found = [proven.swapped(store, version, config.model.weights) for version in champions]
        unknown = [version.id for version in champions if proven.over(store, version) is None]
    if others := [other for other in found if other]:
        said = "; ".join(f"{other.code} {other.what} ({other.where})" for other in others)
        return Check(name="base", level=Level.FAIL, found=said, fix="; ".join(other.fix for other in others))
    if unknown:
        return Check(name="base", found=f"nobody wrote down over which bytes {', '.join(unknown)} was proven")
    stand = ", ".join(version.id for version in champions)
    return Check(name="base", found=f"{stand}: the bytes that it was proven over" if stand else "nothing answers yet")
