"""Traffic without a model: a real store, and rows as the gateway writes them, for versions of known quality."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from homeostat.config.schema import Release as Settings
from homeostat.release.rollout import advance
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome, Verdict
from homeostat.types.version import State, Version

TASK = "routing"
RIGHT, WRONG = "refund", "delivery"


def open_store(folder: Path) -> Store:
    return Store.open(f"sqlite:///{folder / 'homeostat.db'}", folder / "blobs")


def add_version(store: Store, name: str, *, task: str = TASK, labels: tuple[str, ...] = (RIGHT, WRONG)) -> str:
    version = Version(id=f"ver_{name}", task=task, time=0.0, base="builtin", kind="base", labels=labels)
    store.versions.put(version)
    return version.id


def state_of(store: Store, version: str) -> State:
    return store.versions.get(version).state


def add_verdict(store: Store, candidate: str, outcome: Outcome) -> None:
    verdict = Verdict(
        id=f"vdt_{candidate}", task=TASK, time=0.0, report="", candidate=candidate, outcome=outcome, because="by test"
    )
    store.verdicts.put(verdict)


@dataclass
class Traffic:
    """Requests that both versions answer, one as a copy, of which a share is labeled at once."""

    store: Store
    seed: int = 0
    accuracy: dict[str, float] = field(default_factory=dict)
    """Version -> probability of a right reply, drawn for each version by itself."""
    labeled: float = 1.0
    sent: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def send(self, release: Release, n: int) -> list[str]:
        """Send n requests while a release is in force; ids of the interactions that users saw."""
        heard, copied = release.champion, release.candidate
        if release.stage is Stage.CANARY:
            heard, copied = copied, heard
        pairs = [self._pair(heard, copied) for _ in range(n)]
        self.store.interactions.add([row for pair in pairs for row in pair])
        told = [pair[0].id for pair in pairs if self.rng.random() < self.labeled]
        self.store.feedback.add([label(id) for id in told])
        return [pair[0].id for pair in pairs]

    def _pair(self, heard: str, copied: str) -> tuple[Interaction, Interaction]:
        self.sent += 1
        id = f"int_{self.seed:05}{self.sent:07}"
        primary = interaction(id, heard, self._reply(heard))
        return primary, interaction(f"{id}s", copied, self._reply(copied), of=id)

    def _reply(self, version: str) -> str:
        return RIGHT if self.rng.random() < self.accuracy[version] else WRONG


def interaction(id: str, version: str, reply: str, *, of: str = "", task: str = TASK) -> Interaction:
    role = Role.SHADOW if of else Role.PRIMARY
    return Interaction(id=id, task=task, time=100.0, text="hello", reply=reply, version=version, role=role, of=of)


def label(
    interaction: str, value: str = RIGHT, *, kind: FeedbackKind = FeedbackKind.LABEL, at: float = 200.0
) -> Feedback:
    return Feedback(id=f"fbk_{interaction}_{at}", interaction=interaction, kind=kind, value=value, time=at)


def run(traffic: Traffic, release: Release, settings: Settings, *, per_look: int, looks: int) -> Release:
    """Send requests and look, again and again, until the release is over or the looks are used up."""
    for look in range(looks):
        traffic.send(release, per_look)
        release = advance(traffic.store, TASK, settings, now=1000.0 + look)
        if release.stage in (Stage.FULL, Stage.ROLLBACK):
            break
    return release
