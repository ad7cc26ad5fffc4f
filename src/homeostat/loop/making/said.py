"""What teachers said of a dataset's rows, kept with the version that learned from it, to make it again.

A line for each row of the dataset, in its order, with the log-probability of each label that may be replied, in nats;
none where no teacher told any. The rows themselves do not stand in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from homeostat.errors import Tampered
from homeostat.store import Store
from homeostat.types.dataset import Example

SAID = "said"
"""What a version's recipe calls the hash of this file."""


def keep_said(store: Store, rows: Sequence[Example], told: Mapping[str, tuple[float, ...]]) -> str:
    """The hash of the file, written.

    Args:
        store: where it is kept.
        rows: of the dataset.
        told: text of a request -> what its teachers told.

    Raises:
        StoreFull: the disk is full.
    """
    return store.blobs.put_text("".join(f"{json.dumps(told.get(row.text, ()))}\n" for row in rows))


def said_of(store: Store, hash: str, rows: Sequence[Example]) -> dict[str, tuple[float, ...]]:
    """Text of a request -> what its teachers told, by the file that was written for these rows.

    Raises:
        NotFound: the file has been removed.
        Tampered: it has changed since it was written, or it is of other rows.
    """
    lines = store.blobs.text(hash).splitlines()
    if len(lines) != len(rows):
        raise Tampered(f"what teachers said is of {len(lines)} rows, and the dataset has {len(rows)}", where=hash)
    told = ((row.text, tuple(json.loads(line))) for row, line in zip(rows, lines, strict=True))
    return {text: chances for text, chances in told if chances}
