"""What test rows carry beside how right replies are, so that the gate can ask every guard metric of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from homeostat.evaluate.figures import well_formed
from homeostat.evaluate.score import PairedRow
from homeostat.loop.workshop import Exam, Workshop
from homeostat.stats.clustered import cluster_of
from homeostat.types.task import Kind
from homeostat.types.version import Version


def guarded(
    shop: Workshop, rows: Sequence[Exam], paired: Sequence[PairedRow], versions: tuple[Version, Version]
) -> list[PairedRow]:
    """Rows with what candidate and champion replied to them, how sure, in which form, and which belong together.

    Of texts what was replied is not written down. Users and episodes are numbered: a report names nobody.
    """
    task, texts = shop.config.task(versions[0].task), [row.text for row in rows]
    mine, theirs = (shop.heard(task, version, texts, [row.tags for row in rows]) for version in versions)
    whose = numbered([cluster_of(row.tags) for row in rows])
    found = []
    for one, row, said, other, cluster in zip(paired, rows, mine, theirs, whose, strict=True):
        if task.kind is Kind.LABEL:
            sure = (_share(said.confidence), _share(other.confidence))
            replied = (said.text, other.text)
            found.append(replace(one, target=row.target, said=replied, sure=sure, cluster=cluster))
        else:
            formed = (well_formed(said.text, row.target), well_formed(other.text, row.target))
            found.append(replace(one, formed=formed, cluster=cluster))
    return found


def numbered(names: Sequence[str]) -> list[str]:
    """A number for each name that comes more than once; empty for rows alone."""
    counts, numbers = Counter(names), dict[str, str]()
    return [numbers.setdefault(name, str(len(numbers))) if name and counts[name] > 1 else "" for name in names]


def _share(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 6)
