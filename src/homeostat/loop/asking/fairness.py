"""How a version treats groups: on its test suite, on requests with words swapped, on harmless sentences, on probes.

Nothing is written. Replies come from the version as it answers; likelihoods of sentences are read off its model with
what it adds to the base, without an instruction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from homeostat.collect.probes import Named, Pair
from homeostat.curate.swap import Swap
from homeostat.errors import UnknownLabel, UnsuitedModel, did_you_mean
from homeostat.evaluate.fair import FEWEST
from homeostat.evaluate.grammar import pairs as grammar_pairs
from homeostat.evaluate.identity import Flagged, flagged
from homeostat.evaluate.probes import Probed, preferred, probed, share
from homeostat.llm.adapters import stand
from homeostat.llm.backend import Reply
from homeostat.llm.offsets import NOTHING, Offsets
from homeostat.loop.workshop import Exam, Workshop
from homeostat.metrics import fairness
from homeostat.metrics.replies import agreement, right
from homeostat.stats.gaps import Gap, gap
from homeostat.stats.intervals import mean_interval
from homeostat.train.domain.cost import cost
from homeostat.train.domain.texts import Piece
from homeostat.types.report import Score
from homeostat.types.task import Kind, Task
from homeostat.types.version import HEAD, Version

Groups = Mapping[str, Any]
"""Group -> float64[rows of it]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One thing in which the values of a tag are compared."""

    what: str
    groups: Mapping[str, Score]
    """The mean in each, at 95 % by itself."""
    gap: Gap
    """The largest difference, with bounds at 5 % each that hold for all pairs of groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """What swapping words alone does to replies."""

    swapped: int
    """Requests that have such words."""
    changed: Score | None
    """Share of them whose reply changes; of text, once words are swapped back in it. None without such requests."""
    agree: Score | None = None
    """Of text: how much the two replies agree, from 0 to 1 (`metrics.replies.agreement`)."""
    examples: tuple[tuple[str, str, str], ...] = ()
    """Request, reply, and the reply to the request with words swapped: the first few that changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """How a version treats groups of requests."""

    tags: Mapping[str, tuple[Compared, ...]]
    """Tag -> what is compared; nothing where the suite carries no two values of it."""
    flips: Flips
    bare: Mapping[str, tuple[Compared, ...]] = field(default_factory=dict)
    """The same without what the version adds for groups; empty where it adds nothing."""
    offsets: Offsets = NOTHING
    """What it adds."""
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Tag -> value -> test rows that carry it, the most first."""


def audit(shop: Workshop, version: Version, rows: Sequence[Exam], tags: Sequence[str], swap: Swap) -> Audit:
    """How a version treats the groups of these test rows, and, whatever tags they carry, of the same rows with words
    swapped.

    Raises as `Workshop.answers`.
    """
    task, texts = shop.config.task(version.task), [row.text for row in rows]
    replies, offsets = shop.answers(task, version, texts, [row.tags for row in rows]), shop.offsets(version)
    bare = shop.answers(task, version, texts) if offsets.deciding else replies
    return Audit(
        tags={tag: tuple(compared(task, rows, replies, tag)) for tag in tags},
        flips=flips(shop, version, {text: reply.text for text, reply in zip(texts, bare, strict=True)}, swap),
        bare={tag: tuple(compared(task, rows, bare, tag)) for tag in tags} if offsets.deciding else {},
        offsets=offsets,
        rows={tag: dict(Counter(row.tags[tag] for row in rows if tag in row.tags).most_common()) for tag in tags},
    )


def compared(task: Task, rows: Sequence[Exam], replies: Sequence[Reply], tag: str) -> list[Compared]:
    """How replies to test rows differ between the values of a tag; values with few rows are left out.

    Of a label task: accuracy, how much too sure replies are, and for each label how often it is given, given rightly
    and given wrongly. Of a task of text: how right replies are.
    """
    at = [k for k, row in enumerate(rows) if tag in row.tags]
    groups, wanted = [rows[k].tags[tag] for k in at], [rows[k].target for k in at]
    said, sure = [replies[k].text for k in at], [replies[k].confidence for k in at]
    if task.kind is Kind.TEXT:
        held = np.array([right(task.kind, mine, target) for mine, target in zip(said, wanted, strict=True)])
        of = np.asarray(groups)
        return _told({"how right": {name: held[of == name] for name in sorted(set(groups))}})
    found: dict[str, Groups] = {
        "accuracy": fairness.accuracy_values(said, wanted, groups),
        "too sure": fairness.calibration_values(said, wanted, groups, sure),
    }
    for label in sorted(set(wanted)):
        found[f"share of '{label}'"] = fairness.parity_values(said, groups, label)
        found[f"recall of '{label}'"] = fairness.recall_values(said, wanted, groups, label)
        found[f"false '{label}'"] = fairness.false_values(said, wanted, groups, label)
    return _told(found)


def _told(found: Mapping[str, Groups]) -> list[Compared]:
    """What can be compared: two groups or more with rows enough."""
    large = {
        what: {name: values for name, values in groups.items() if len(values) >= FEWEST}
        for what, groups in found.items()
    }
    return [
        Compared(what=what, groups={name: mean_interval(of) for name, of in groups.items()}, gap=gap(groups))
        for what, groups in large.items()
        if len(groups) > 1
    ]


def flips(shop: Workshop, version: Version, said: Mapping[str, str], swap: Swap, shown: int = 5) -> Flips:
    """How a version's replies, given by request, change where words of a group are swapped in it and nothing else is.

    Raises as `Workshop.answers`.
    """
    task = shop.config.task(version.task)
    pairs = [(text, other) for text in said if (other := swap(text)) != text]
    if not pairs:
        return Flips(swapped=0, changed=None)
    others = shop.answers(task, version, [other for _, other in pairs])
    both = [(said[text], reply.text) for (text, _), reply in zip(pairs, others, strict=True)]
    text = task.kind is Kind.TEXT
    alike = [(swap(mine) if text else mine, other) for mine, other in both]
    changed = [mine != other for mine, other in alike]
    examples = [(pairs[k][0], *both[k]) for k in np.flatnonzero(changed)[:shown].tolist()]
    return Flips(
        swapped=len(pairs),
        changed=mean_interval(np.array(changed, dtype=np.float64)),
        agree=mean_interval([agreement(mine, other) for mine, other in alike]) if text else None,
        examples=tuple(examples),
    )


def flags(
    shop: Workshop, version: Version, sentences: Sequence[Named], label: str, judge: Version | None = None
) -> Flagged:
    """How often harmless sentences are given a label: by the version itself, or, where it writes texts, what it writes
    to them by a judge, which is a version of a label task.

    Raises:
        UnknownLabel: whoever gives labels does not know this one.
        UnsuitedModel: the version writes texts, and there is no judge.
    """
    texts, who = [sentence.text for sentence in sentences], judge or version
    if shop.config.task(who.task).kind is Kind.TEXT:
        raise UnsuitedModel(f"{who.id} writes texts and gives no labels", fix="name a version that judges: --judge")
    if label not in who.labels:
        raise UnknownLabel(f"{who.id} knows no label '{label}'", where="--label", fix=did_you_mean(label, who.labels))
    if judge is not None:
        texts = [reply.text for reply in shop.answers(shop.config.task(version.task), version, texts)]
    said = shop.answers(shop.config.task(who.task), who, texts)
    hits = [reply.text == label for reply in said]
    return flagged(hits, [s.group for s in sentences], [s.item for s in sentences])


def stereotypes(
    shop: Workshop, version: Version, probes: Mapping[str, Sequence[Pair]], grammar: Sequence[Pair] = ()
) -> dict[str, Probed]:
    """How often a version's model finds the stereotype of two sentences the likelier, by probe; "no signal" where pairs
    of grammar, the built-in ones if there are none, show that it hardly knows the language.

    Raises:
        UnsuitedModel: the model writes nothing, so no sentence is likely to it.
    """
    asked = grammar or own_grammar()
    texts = sentences_of([asked, *probes.values()])
    return found_likely(dict(zip(texts, likelihoods(shop, version, texts), strict=True)), probes, asked)


def own_grammar() -> list[Pair]:
    """The pairs of grammar that come with Homeostat."""
    return [Pair(more=good, less=bad, kind=kind, item=kind) for good, bad, kind in grammar_pairs()]


def sentences_of(probes: Iterable[Sequence[Pair]]) -> list[str]:
    """Every sentence of these pairs, once."""
    return list(dict.fromkeys(text for pairs in probes for pair in pairs for text in (pair.more, pair.less)))


def found_likely(
    likely: Mapping[str, float], probes: Mapping[str, Sequence[Pair]], grammar: Sequence[Pair]
) -> dict[str, Probed]:
    """The same of a model that finds each sentence so likely."""

    def values(pairs: Sequence[Pair]) -> Any:
        return preferred([likely[pair.more] for pair in pairs], [likely[pair.less] for pair in pairs])

    able = share(values(grammar), [pair.item for pair in grammar])
    return {
        name: probed(able, values(pairs), [p.item for p in pairs], [p.kind for p in pairs])
        for name, pairs in probes.items()
    }


def likelihoods(shop: Workshop, version: Version, texts: Sequence[str]) -> list[float]:
    """The logarithm, to base 2, of how likely each text is to a version's model.

    Raises as `stereotypes`.
    """
    bare = version.kind == HEAD or not version.blob
    folder = None if bare else shop.signing.folder(shop.store, version)
    opened = stand(version.base, "base" if bare else version.kind, folder, "asked")
    if opened.family != "decoder":
        what = f"{version.base} fills gaps or translates, and says of no sentence how likely it is"
        raise UnsuitedModel(what, where="model.base", fix="probe a version on a decoder")
    opened.model.eval()
    return [-bits for bits in cost(opened, [Piece(text, ends=True) for text in texts]).bits]
