"""A real backend small enough for tests: it knows words for each label, or a phrase to reply with, from a file.

Versions are loaded from folders, as with a language model, and a version that is not loaded cannot answer. Computing
can be made to take as long as a larger model's would.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from homeostat.config.schema import Config, Gateway, Release, Tasks
from homeostat.errors import CorruptWeights, NotFound
from homeostat.llm.backend import Reply, Request
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.release import Release as ReleaseRow
from homeostat.types.release import Stage
from homeostat.types.task import Kind
from homeostat.types.version import Version


class KeywordBackend:
    """Counts words; `seconds_per_batch` and `seconds_per_row` are what computing a batch takes beside that.

    `concurrent`: it wants to be asked from many threads, as a server does.
    """

    def __init__(
        self, *, seconds_per_batch: float = 0.0, seconds_per_row: float = 0.0, concurrent: bool = False
    ) -> None:
        self.concurrent = concurrent
        self.seconds_per_batch = seconds_per_batch
        self.seconds_per_row = seconds_per_row
        self.batches: list[list[str]] = []
        """Version of every row of every batch answered."""
        self._lock = threading.Lock()
        self._versions: dict[str, tuple[Version, dict[str, str]]] = {}

    def reply(self, requests: Sequence[Request]) -> list[Reply]:
        """The label with most words in the text, or the phrase and the text."""
        with self._lock:
            scores = self._score(requests)
            replies = [self._reply(r, s) for r, s in zip(requests, scores, strict=True)]
            self.batches.append([r.version for r in requests])
            if not self.concurrent:
                time.sleep(self.seconds_per_batch + self.seconds_per_row * len(requests))
        if self.concurrent:
            time.sleep(self.seconds_per_batch + self.seconds_per_row * len(requests))
        return replies

    def score(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Log of the softmax of the counts."""
        with self._lock:
            return self._score(requests)

    def load(self, version: Version, folder: Path | None) -> None:
        """Read the words."""
        words = json.loads((folder / "words.json").read_text()) if folder else {}
        if not isinstance(words, dict):
            raise CorruptWeights("words.json holds no object", where=str(folder))
        with self._lock:
            self._versions[version.id] = (version, words)

    def unload(self, version: str) -> None:
        """Forget the words."""
        with self._lock:
            self._versions.pop(version, None)

    def loaded(self) -> tuple[str, ...]:
        """Ids of the versions whose words are known."""
        return tuple(self._versions)

    def _score(self, requests: Sequence[Request]) -> list[np.ndarray]:
        scores = []
        for request in requests:
            if request.version not in self._versions:
                raise NotFound(f"version '{request.version}' is not loaded")
            version, words = self._versions[request.version]
            said = set(request.text.lower().split())
            raw = np.array([float(len(said & set(words.get(label, "").split()))) for label in version.labels] or [0.0])
            scores.append(raw - np.log(np.exp(raw).sum()))
        return scores

    def _reply(self, request: Request, scores: np.ndarray) -> Reply:
        version, words = self._versions[request.version]
        if "raise" in request.text:
            raise ValueError("this text cannot be answered")
        label = request.task.kind is Kind.LABEL
        text = version.labels[int(scores.argmax())] if label else f"{words['phrase']} {request.text}"
        digest = np.frombuffer(hashlib.sha256(request.text.encode()).digest(), np.uint8)
        return Reply(
            text=text,
            confidence=float(np.exp(scores.max())),
            entropy=float(-(np.exp(scores) * scores).sum()),
            prompt_tokens=len(request.text.split()),
            reply_tokens=len(text.split()),
            embedding=(digest[:8] / 255).astype(np.float16).tobytes(),
        )


def configured(*, durable: bool = True, trust_client_time: bool = False, batch: int = 8) -> Config:
    """Two tasks, one of labels and one of text; releases are looked for twenty times a second."""
    return Config(
        tasks={"routing": Tasks(labels=("refund", "delivery")), "replies": Tasks(kind=Kind.TEXT)},
        gateway=Gateway(port=0, durable=durable, trust_client_time=trust_client_time, batch=batch),
        release=Release(poll_s=0.05),
    )


def add_version(store: Store, folder: Path, task: str = "routing", **words: str) -> Version:
    """A version whose folder is in the store's blobs; words by label, or a phrase."""
    made = folder / ids.new("folder")
    made.mkdir(parents=True)
    (made / "words.json").write_text(json.dumps(words))
    labels = () if task == "replies" else tuple(words)
    blob = store.blobs.put_folder(made)
    version = Version(id=ids.new("ver"), task=task, time=time.time(), base="keywords", blob=blob, labels=labels)
    store.versions.put(version)
    return version


def release(
    store: Store, stage: Stage, champion: Version, candidate: Version | None = None, **more: float
) -> ReleaseRow:
    """Write a release row, which is how everybody learns of it."""
    row = ReleaseRow(
        id=ids.new("rel"),
        task=champion.task,
        time=time.time(),
        stage=stage,
        champion=champion.id,
        candidate=candidate.id if candidate else "",
        share=more.get("share", 0.0),
    )
    store.releases.put(row)
    return row
