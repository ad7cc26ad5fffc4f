"""Examples, and the immutable snapshot that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Origin(StrEnum):
    """Why an example is in a dataset."""

    NEW = "new"
    """It came since the champion was trained."""
    REPLAY = "replay"
    """The champion was trained on it, or could have been; here so that it is not forgotten."""
    RECALL = "recall"
    """The same, but not trained on again: the rows of the labels are fitted to it when training has ended."""


GOOD_RATING = 0.8
"""Rating from which on a reply is good enough to be learned as it is."""
SWAPPED = "swapped"
"""Mark of a copy in which pronouns, names or words of a group are exchanged (`curate.swap`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One thing to learn: a request and the reply it should have had."""

    text: str
    target: str
    """A label or a reply."""
    task: str = ""
    origin: Origin = Origin.NEW
    interaction: str = ""
    """Id of the interaction it was made from; empty for rows imported as history."""
    time: float = 0.0
    weight: float = 1.0
    rejected: str = ""
    """The reply that was liked less, where there are two; objectives that compare replies read it."""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the request itself carried; rows are weighed by them where a recipe says so."""
    disturbed: str = ""
    """Name of the disturbance by which it was made from another row of its dataset, for this training alone: such a row
    is not remembered, and goes where that row goes. `SWAPPED` copies are remembered."""
    value: float | None = None
    """What somebody rated the reply, 0 (bad) to 1 (good); None where nobody did."""

    @property
    def good(self) -> bool:
        """Whether its reply is one to give: nobody rated it, or somebody did `GOOD_RATING` or better."""
        return self.value is None or self.value >= GOOD_RATING


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """An immutable snapshot of examples: its rows live in the blob, its counts say what was dropped where."""

    id: str
    task: str
    time: float
    blob: str
    """Content hash of the JSONL file of examples."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Rows left after every step, in the order of the steps: selected, labeled, cleaned, …"""
    labels: tuple[str, ...] = ()
    """Label set of the champion, then labels seen here for the first time."""
    parents: tuple[str, ...] = ()
    """Ids of the datasets that replayed rows came from."""
    rebuilt: str = ""
    """Id of the dataset that holds what is left of it since rows were erased; then its own rows are gone for good."""
