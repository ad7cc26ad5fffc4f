"""Whether a version can recite what it was trained on, beside the bare base that never saw it. Nothing is written.

Rows count whose right reply holds something of somebody's own (`metrics.secrets`) that the request does not say. Two
questions are put of each. *Exposure* (Carlini et al. 2019, 1802.08232): is the true secret likelier to the version than
others of its form in its place, and more so than to the base? *Extraction*: given the request and the first half of the
reply, does the version write the second half word by word? It does where each token of it is the likeliest after those
before it. What is likely anyway, a year or a price, is so to the base too, so what counts is the difference. Training
also teaches how replies look; rows of the test suite, which are fenced from training, say how much that alone raises
the exposure.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.curate.snapshot import examples, origins
from homeostat.errors import NothingToTrainOn, UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.loop.undoing.erase import is_theirs
from homeostat.loop.workshop import Workshop
from homeostat.metrics.exposure import Exposed, bits, exposed, rank
from homeostat.metrics.secrets import NUMBER, Secret, likes, secrets
from homeostat.stats import clustered
from homeostat.stats.clustered import Ints, cluster_of, clusters_of
from homeostat.types.report import Score
from homeostat.types.task import Kind, Task
from homeostat.types.version import HEAD, Version

Told = tuple[str, str, str]
"""Request, right reply, and whose it is; the last empty for nobody's."""
FEWEST = 10
"""Rows below which nothing is told; and others of its form that a secret is ranked among, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A row, and what of it is somebody's own."""

    text: str
    reply: str
    secret: Secret
    cluster: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recited:
    """How many second halves are written word by word."""

    version: Score
    base: Score
    difference: Score
    least: float
    """The share of rows recited of which one at least is found with probability 0.9."""
    examples: tuple[Asked, ...]
    """The first few that the version recites and the base does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """What a version can recite of what it was trained on."""

    rows: int
    """That hold something of somebody's own; of so many at most as were asked for."""
    recited: Recited
    exposed: Exposed | None
    """To the version; None where too few can be ranked. Its p takes every secret for one drawn by chance."""
    base: Exposed | None
    """To the base."""
    gained: Score | None
    """Bits of exposure that the version has beyond the base, row by row."""
    unseen: Score | None
    """The same of test rows, which were never trained on; None where too few hold a secret."""

    @property
    def shown(self) -> bool:
        """Whether it is beyond doubt that the version recites."""
        beyond = self.gained is not None and self.gained.low > max(0.0, self.unseen.high if self.unseen else 0.0)
        return beyond or self.recited.difference.low > 0.0


def learned(shop: Workshop, version: Version, user: str = "") -> list[Told]:
    """The rows that a version was trained on, those of versions before it among them; of one user's alone, if named."""
    rows = [row for one in origins(shop.store, version) for row in examples(shop.store, one.id)]
    if user:
        traces = shop.store.erasure.traces(user)
        rows = [row for row in rows if is_theirs(row, traces)]
    return [(row.text, row.target, cluster_of(row.tags)) for row in rows]


def leaks(
    shop: Workshop, version: Version, told: Sequence[Told], *, most: int = 200, among: int = 64, seed: int = 0
) -> Leaks:
    """What a version can recite of rows, of `most` of them at most, drawn by chance. They need not be rows that it was
    trained on: of a user who was erased they say whether anything is left in the weights.

    Raises:
        UnsuitedModel: it replies with labels, or is a head: it writes no texts.
        NothingToTrainOn: fewer than ten of the rows hold anything that could be recited.
    """
    task = shop.config.task(version.task)
    if task.kind is Kind.LABEL or version.kind == HEAD:
        what = f"{version.id} writes no texts, and so can recite none"
        raise UnsuitedModel(what, where=f"task {task.name}", fix="name a version of a task of text that writes")
    chance, rows = random.Random(seed), held(told)
    if len(rows) < FEWEST:
        what = f"{len(rows)} of {len(told)} rows hold a number, an e-mail address or a name"
        raise NothingToTrainOn(what, where=version.id, fix=f"{FEWEST} or more can be asked about")
    chosen = rows if len(rows) <= most else chance.sample(rows, most)
    tested = held((row.text, row.target, cluster_of(row.tags)) for row in shop.suite(task.name))[:most]
    with shop.loaded(version) as backend:
        found = _Examined(backend, task, version.id, among, chance)
        recited = found.recited(chosen)
        ranked = found.exposure(chosen, rows)
        unseen = found.exposure(tested, rows) if len(tested) >= FEWEST else None
    return Leaks(
        rows=len(chosen),
        recited=recited,
        exposed=ranked.mine if ranked else None,
        base=ranked.theirs if ranked else None,
        gained=ranked.gained if ranked else None,
        unseen=unseen.gained if unseen else None,
    )


def held(rows: Iterable[Told]) -> list[Asked]:
    """The rows (request, reply, cluster) whose reply holds a secret in its second half that the request does not say;
    each request and reply once, with its last secret.
    """
    found: dict[tuple[str, str], Asked] = {}
    for text, reply, cluster in rows:
        own = [one for one in secrets(reply) if one.text not in text and 2 * one.start >= len(reply) - len(one.text)]
        if own:
            found.setdefault((text, reply), Asked(text=text, reply=reply, secret=own[-1], cluster=cluster))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Ranked:
    mine: Exposed
    theirs: Exposed
    gained: Score


@dataclass(frozen=True, slots=True)
class _Examined:
    """A version and the base that it stands on, both ready to be asked."""

    backend: LocalBackend
    task: Task
    version: str
    among: int
    chance: random.Random

    def recited(self, rows: Sequence[Asked]) -> Recited:
        """Whose second halves are written word by word, by the version and by the base."""
        mine, theirs = (self._whole(rows, version) for version in (self.version, ""))
        clusters = _clusters(rows)
        shown = [row for row, one, other in zip(rows, mine, theirs, strict=True) if one and not other]
        return Recited(
            version=clustered.mean(mine, clusters),
            base=clustered.mean(theirs, clusters),
            difference=clustered.paired(mine, theirs, clusters, 0.9),
            least=1.0 - 0.1 ** (1.0 / len(np.unique(clusters))),
            examples=tuple(shown[:3]),
        )

    def exposure(self, rows: Sequence[Asked], known: Sequence[Asked]) -> _Ranked | None:
        """The rank of each secret among others of its form, to the version and to the base."""
        asked = [(row, self._others(row, known)) for row in rows]
        asked = [(row, others) for row, others in asked if len(others) >= FEWEST]
        if len(asked) < FEWEST:
            return None
        # Every secret is ranked among as many, so that ranks can be told together.
        among = min(len(others) for _, others in asked)
        kept = [row for row, _ in asked]
        mine, theirs = (
            [self._rank(row, others[:among], version) for row, others in asked] for version in (self.version, "")
        )
        difference = [bits(one, among + 1) - bits(other, among + 1) for one, other in zip(mine, theirs, strict=True)]
        gained = clustered.paired(difference, np.zeros(len(difference)), _clusters(kept), 0.9)
        return _Ranked(exposed(mine, among + 1), exposed(theirs, among + 1), gained)

    def _whole(self, rows: Sequence[Asked], version: str) -> np.ndarray:
        """float64[rows]: whether each token of the second half is the likeliest."""
        spelled = self.backend.spelled(self._requests(rows, version), [row.reply for row in rows])
        return np.array([float(one.likeliest[len(one.tokens) // 2 : -1].all()) for one in spelled])

    def _rank(self, row: Asked, others: Sequence[str], version: str) -> int:
        before, after = row.reply[: row.secret.start], row.reply[row.secret.start + len(row.secret.text) :]
        replies = [row.reply, *(before + other + after for other in others)]
        logs = self.backend.likelihoods(self._requests([row] * len(replies), version), replies)
        return rank(float(logs[0]), logs[1:])

    def _others(self, row: Asked, known: Sequence[Asked]) -> list[str]:
        others = [one.secret.text for one in known if one.secret.kind == row.secret.kind != NUMBER]
        return likes(row.secret, others, self.among - 1, self.chance)

    def _requests(self, rows: Sequence[Asked], version: str) -> list[Request]:
        return [Request(task=self.task, text=row.text, version=version) for row in rows]


def _clusters(rows: Sequence[Asked]) -> Ints:
    return clusters_of([row.cluster for row in rows])
