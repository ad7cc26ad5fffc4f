"""The book of a second look: which claims the gate has left open about a candidate, and what was labeled since.

It is a state of the store, added to at its end alone, so whoever reads it again comes to the same. Imports no model
library, so it is quick.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from homeostat.evaluate.again import Stand
from homeostat.evaluate.asked import Asked, Gap, Later
from homeostat.evaluate.score import PairedRow
from homeostat.stats.clustered import asker
from homeostat.store import Store
from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome, Verdict
from homeostat.types.turn import REBUILT

Triple = tuple[Interaction, Interaction, Feedback | None]
"""The reply that a user got, the copy, and what is right where somebody has said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What is asked of later rows, and those that have come. Pairs are only added, at the end."""

    first: str
    """The verdict that was unsure."""
    asked: tuple[Asked, ...]
    left: tuple[str, ...]
    """Claims that were left open and that no live request speaks of."""
    pairs: tuple[Later, ...] = ()
    shares: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of a claim: on how many requests the versions differ, of how many. Fixed once there are enough."""
    because: str = ""
    """How it stands, in a sentence."""
    outcome: str = ""
    """What the gate makes of it: the value of an `Outcome`; empty before the first look."""

    doubted: str = ""
    """What is to be said against judges that overrate the candidate."""
    judge: str = ""
    """Whose word on requests without a label counts beside each that has one; empty where nobody's does."""
    spent: tuple[str, ...] = ()
    """Those requests."""

    @property
    def undecided(self) -> bool:
        """Whether nothing is to be done before there are more pairs."""
        return bool(self.because) and self.outcome in ("", Outcome.UNSURE.value)


def deciding(store: Store, task: str) -> list[str]:
    """Requests whose label would decide about the candidate on trial: both versions answered, they differ, and nobody
    has said what is right; first those of users of whom nothing was said, as each is heard once. Empty where the gate
    is not unsure about anybody.
    """
    release = store.releases.current(task)
    book = None if release is None or unsure(store, release) is None else kept(store, release.candidate)
    if release is None or book is None:
        return []
    differing = [(heard, truth) for heard, copy, truth in answered(store, release) if heard.reply != copy.reply]
    known = {asker(heard) for heard, truth in differing if truth is not None} - {""}
    spent = set(book.spent)
    open_ = [heard for heard, truth in differing if truth is None and heard.id not in spent]
    return [heard.id for heard in sorted(open_, key=lambda one: asker(one) in known)]


def unsure(store: Store, release: Release) -> Verdict | None:
    """The newest verdict on the candidate on trial, if it is one that can be looked at again."""
    said = spoken(store, release)
    return said if said is not None and said.outcome is Outcome.UNSURE and said.spent is not None else None


def spoken(store: Store, release: Release) -> Verdict | None:
    """The newest verdict on the candidate on trial; None of one that takes the place of a champion which learned from
    erased rows, for only harm may hold that back.
    """
    if release.stage not in (Stage.SHADOW, Stage.CANARY) or not release.candidate:
        return None
    if any(turn.diary.get(REBUILT) == release.candidate for turn in store.turns.list(release.task)):
        return None
    said = [one for one in store.verdicts.list(release.task) if one.candidate == release.candidate]
    return said[-1] if said else None


def answered(store: Store, release: Release) -> Iterator[Triple]:
    """Requests that both versions answered, whoever of them the user heard."""
    yield from both_answered(store, release.task, release.candidate, release.champion)


def both_answered(store: Store, task: str, one: str, other: str) -> Iterator[Triple]:
    """The same of any two versions of a task."""
    for heard, copied in ((other, one), (one, other)):
        yield from (row for row in store.interactions.shadows(task, copied) if row[0].version == heard)


def kept(store: Store, candidate: str) -> Book | None:
    """The book of a candidate; None where the gate has not looked again."""
    found = store.state.get(key(candidate))
    if not isinstance(found, dict) or "asked" not in found:
        return None
    return Book(
        first=found["first"],
        asked=tuple(_claim(one) for one in found["asked"]),
        left=tuple(found["left"]),
        pairs=tuple(_pair(one) for one in found["pairs"]),
        shares={name: (int(differing), int(n)) for name, (differing, n) in found["shares"].items()},
        because=found["because"],
        outcome=found.get("outcome", ""),
        doubted=found.get("doubted", ""),
        judge=found.get("judge", ""),
        spent=tuple(one["id"] for one in found.get("spent", ())),
    )


def keep(store: Store, candidate: str, book: Book, stands: Sequence[Stand]) -> None:
    """Write the book, and beside it what a page says of it."""
    wanted = max((one.wanted for one in stands), default=0)
    spent = [{"id": id} for id in book.spent]  # objects, so that an erasure takes them out whole
    plain = {**asdict(book), "pairs": [_flat(pair) for pair in book.pairs], "spent": spent}
    store.state.put(key(candidate), {**plain, "labels": len(book.pairs), "wanted": wanted})


def key(candidate: str) -> str:
    """Under which state the book stands."""
    return f"again:{candidate}"


def _claim(kept: dict[str, Any]) -> Asked:
    gap = Gap(**kept["gap"]) if kept.get("gap") else None
    return Asked(**kept | {"groups": tuple(kept["groups"]), "without": tuple(kept["without"]), "gap": gap})


def _flat(pair: Later) -> dict[str, Any]:
    """One object that names its request, so that an erasure takes it out whole."""
    row = pair.row
    outcome = {"id": row.id, "group": row.group, "candidate": row.candidate, "champion": row.champion}
    more = {
        "tags": dict(row.tags),
        "target": row.target,
        "said": list(row.said) if any(row.said) else [],
        "sure": list(row.sure),
        "formed": list(row.formed),
        "cluster": row.cluster,
        "suites": {part: list(values) for part, values in pair.suites.items()},
        "by_judge": pair.by_judge,
        "word": list(pair.word or ()),
    }
    plain = {**outcome, "slices": list(row.slices), "differ": pair.differ, "lot": pair.lot}
    return plain | {name: value for name, value in more.items() if value}


def _pair(kept: dict[str, Any]) -> Later:
    fields: dict[str, Any] = {name: kept[name] for name in ("id", "group", "candidate", "champion")}
    fields |= {name: tuple(kept.get(name, ())) for name in ("slices", "sure", "formed")}
    fields |= {name: kept[name] for name in ("tags", "target", "cluster") if name in kept}
    fields |= {"said": tuple(kept["said"])} if "said" in kept else {}
    suites = {part: (float(mine), float(theirs)) for part, (mine, theirs) in kept.get("suites", {}).items()}
    told: dict[str, Any] = {"by_judge": bool(kept.get("by_judge"))}
    if "word" in kept:
        own, rest, beside = kept["word"]
        told["word"] = (float(own), float(rest), int(beside))
    return Later(row=PairedRow(**fields), differ=kept["differ"], lot=kept["lot"], suites=suites, **told)
