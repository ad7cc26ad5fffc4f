"""What stands in the stores of these tests: versions, requests, streams."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from homeostat.release.registry import promote
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.version import Version

START = 1_700_000_000.0
"""The moment at which these stories begin, in seconds since 1970."""
SAID = {
    "refund": ("I want my money back", "please refund order", "return the cash of parcel"),
    "delivery": ("where is my parcel", "when does it arrive, order", "the courier never came for"),
}


def version(store: Store, name: str, **more: object) -> Version:
    """A candidate on the bare base, registered."""
    fields: dict[str, object] = {"task": "routing", "time": START, "base": "builtin", "kind": "base", **more}
    made = Version(id=f"ver_{name}", **fields)  # type: ignore[arg-type]
    store.versions.put(made)
    return made


def champion(store: Store, name: str, **more: object) -> Version:
    """A version that answers everybody."""
    made = version(store, name, **more)
    promote(store, made.task, made.id, "for a test", now=START)
    return made


def request(store: Store, number: int, by: str, said: str = "") -> Interaction:
    """A request that a version answered, with a label if one is given."""
    row = Interaction(
        id=f"int_{number:04}", task="routing", time=START + number, text=f"request {number}", reply="refund", version=by
    )
    store.interactions.add([row])
    if said:
        told = Feedback(
            id=f"fbk_{number:04}", interaction=row.id, kind=FeedbackKind.LABEL, value=said, time=START + 100 + number
        )
        store.feedback.add([told])
    return row


def stream(path: Path, n: int = 40, **more: object) -> Path:
    """A labeled stream of `n` rows, a minute apart; gzipped where the name ends so."""
    rows = []
    for k in range(n):
        label = ("refund", "delivery")[k % 2]
        text = f"{SAID[label][k // 2 % 3]} {k * 7919 % 997} {'really' * (k % 3)} {'xyz'[k % 3] * (k % 5)}"
        rows.append({"text": text, "label": label, "time": START + 60 * k, **more})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path
