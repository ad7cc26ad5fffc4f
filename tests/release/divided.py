"""Traffic of a split without a model: rows as the gateway writes them, routed by the release in force, and feedback."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from homeostat.config.schema import Release as Settings
from homeostat.release.noted import note_error
from homeostat.release.route import route
from homeostat.release.split import advance_split
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage
from release.rehearsal import RIGHT, TASK, WRONG


@dataclass
class Public:
    """Users with episodes of one request or two, who say of a share of the replies what they were worth."""

    store: Store
    quality: Mapping[str, float]
    """Version -> probability of a right reply."""
    seed: int = 0
    told: float = 1.0
    kind: FeedbackKind = FeedbackKind.LABEL
    fails: Mapping[str, float] = field(default_factory=dict)
    """Version -> probability that it fails, and the champion answers in its place."""
    tags: Callable[[int], dict[str, str]] = lambda k: {}
    worse_in: Mapping[str, str] = field(default_factory=dict)
    """Version -> value of a tag where it is always wrong."""
    sent: int = 0
    clock: float = 1000.0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def send(self, n: int) -> None:
        """Send n requests, a tenth of a second apart."""
        release = self.store.releases.current(TASK)
        assert release is not None
        rows = [self._row(release) for _ in range(n)]
        self.store.interactions.add(rows)
        said = [self._said(row) for row in rows if self.rng.random() < self.told]
        self.store.feedback.add(said)

    def _row(self, release: Release) -> Interaction:
        self.sent, self.clock = self.sent + 1, self.clock + 0.1
        id, episode, tags = f"int_{self.seed}x{self.sent}", f"e{self.seed}-{self.sent // 2}", self.tags(self.sent)
        version, probability = route(release, episode)
        if self.rng.random() < self.fails.get(version, 0.0):
            note_error(self.store, release, version, id, "out of memory")
            version, probability = release.champion, 1.0
        good = self.rng.random() < self.quality[version] and self.worse_in.get(version, "-") not in tags.values()
        return Interaction(
            id=id,
            task=TASK,
            time=self.clock,
            text="hello",
            reply=RIGHT if good else WRONG,
            version=version,
            episode=episode,
            probability=probability,
            latency_ms=10.0,
            reply_tokens=3,
            tags=tags,
        )

    def _said(self, row: Interaction) -> Feedback:
        rating = "1" if row.reply == RIGHT else "0"
        value = rating if self.kind is FeedbackKind.RATING else RIGHT
        return Feedback(id=f"fbk_{row.id}", interaction=row.id, kind=self.kind, value=value, time=row.time + 1)

    def run(self, settings: Settings, *, per_look: int, looks: int) -> Release:
        """Send and look until the split is over or the looks are used up."""
        for _ in range(looks):
            self.send(per_look)
            row = advance_split(self.store, TASK, settings, now=self.clock)
            if row.stage is not Stage.SPLIT:
                break
        return row
