"""What the rows say about a candidate that is being tried: evidence that may be looked at after every row.

A pair is one request that both versions answered: one for the user, the other as a copy. Where feedback says
what the reply should have been, D is the candidate's score on it minus the champion's, in [-1, 1]; where it says
nothing and people have judged the pair (`release.preferred`), D says which of the two they prefer. A betting e-process
(2010.09686) gathers evidence of harm, its mirror evidence that no harm is done; each is wrong with probability at most
its alpha however often one looks. Wealth is a product over pairs, so feedback may come late and in any order: it is
computed anew from the rows, and every request counts once, by the newest thing said about it.

What this rests on: that whether a request gets feedback does not depend on how well the version that the user heard
did on it. Where people only correct what was wrong, a candidate in the canary looks worse than it is, and one in
shadow better.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.config.schema import Release as Settings
from homeostat.metrics.replies import agreement
from homeostat.release.preferred import judgments
from homeostat.stats.eprocess import Betting
from homeostat.store import Store
from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage

ERROR = "error"
"""Name of the events that tell of a version that could not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the pairs of one stage of a release say."""

    pairs: int
    """Requests that both versions answered, and those that one of them failed on."""
    judged: int
    """Those of them of which it is known how well both did."""
    candidate: float
    """Mean score of the candidate on the judged ones, in [0, 1]."""
    champion: float
    """Mean score of the champion on the same."""
    errors: int
    """Requests that the candidate failed on."""
    harm: float
    """Natural logarithm of the wealth against "the candidate is worse by at most `harm_margin`"."""
    safe: float
    """Natural logarithm of the wealth against "the candidate is worse by `harm_margin` or more"."""

    @staticmethod
    def of(scores: Sequence[tuple[float, float]], settings: Settings, *, pairs: int = 0, errors: int = 0) -> Evidence:
        """What judged pairs say, in their order: the score of the candidate and of the champion, each in [0, 1]."""
        ours, theirs = np.array(scores, np.float64).reshape(-1, 2).T
        margin = min(settings.harm_margin, _WIDEST)
        harm, safe = Betting.harm(margin), Betting(margin)
        harm.extend(ours - theirs)
        safe.extend(ours - theirs)
        return Evidence(
            pairs=max(pairs, len(scores)),
            judged=len(scores),
            candidate=float(ours.mean()) if scores else 0.0,
            champion=float(theirs.mean()) if scores else 0.0,
            errors=errors,
            harm=harm.log_value,
            safe=safe.log_value,
        )

    @property
    def difference(self) -> float:
        """Candidate minus champion; 0 while nothing is judged."""
        return self.candidate - self.champion

    def harm_shown(self, settings: Settings) -> bool:
        """Whether the candidate is shown to be worse by more than `harm_margin`."""
        return self.harm >= _threshold(settings.harm_alpha)

    def safety_shown(self, settings: Settings) -> bool:
        """Whether it is shown not to be worse by `harm_margin`."""
        return self.safe >= _threshold(settings.alpha)

    def fit(self, settings: Settings, *, passed: bool) -> bool | None:
        """Whether a canary has shown its candidate fit to answer everything; None while that is open.

        `passed` says that the gate let it pass; a candidate that no gate let pass has to show that it is safe.
        """
        if self.harm_shown(settings):
            return False
        fit = self.difference >= 0.0 and (passed or self.safety_shown(settings))
        if fit and self.judged >= settings.canary_feedback:
            return True
        return False if self.judged >= settings.most_feedback and not fit else None


def note_error(store: Store, release: Release, version: str, interaction: str, what: str) -> None:
    """Remember that a version failed to answer a request while this release was in force.

    A failure counts as a wrong reply, with no need for feedback; two of one version on one request count once.
    """
    store.events.append(release.id, ERROR, {"version": version, "interaction": interaction, "what": what})


def gather(store: Store, release: Release, settings: Settings) -> Evidence:
    """The evidence of the stage that a release is in, from the rows as they are now."""
    paired = _pairs(store, release)
    scores = _judged(store, release, paired) | _failed(store, release)
    return Evidence.of(
        list(scores.values()),
        settings,
        pairs=len({primary.id for primary, _, _ in paired} | set(scores)),
        errors=sum(version == release.candidate for version, _ in _errors(store, release)),
    )


_WIDEST = 0.999
"""Margin that stands for one of 1, at which nothing is harm and there is nothing to bet on."""
Triple = tuple[Interaction, Interaction, Feedback | None]
"""The reply the user got, the copy, and what the reply should have been where known."""


def _pairs(store: Store, release: Release) -> list[Triple]:
    """In shadow users heard the champion and the candidate answered copies; in the canary it goes both ways.

    A pair of the shadow stage does not count in the canary: there the champion was picked for certain.
    """
    copies = store.interactions.shadows(release.task, release.candidate)
    heard_champion = [row for row in copies if row[0].version == release.champion]
    if release.stage is not Stage.CANARY:
        return heard_champion
    copies = store.interactions.shadows(release.task, release.champion)
    heard_candidate = [row for row in copies if row[0].version == release.candidate]
    canary = [*heard_candidate, *(row for row in heard_champion if row[0].probability < 1.0)]
    return sorted(canary, key=lambda row: (row[0].time, row[0].id))


def _judged(store: Store, release: Release, paired: Iterable[Triple]) -> dict[str, tuple[float, float]]:
    """Interaction -> score of the candidate and of the champion, where feedback tells; elsewhere what people prefer."""
    labels = bool(store.versions.get(release.champion).labels)
    found, asked = {}, judgments(store, release.candidate)
    for primary, copy, truth in paired:
        if truth is not None:
            heard, copied = (_score(row.reply, truth.value, labels=labels) for row in (primary, copy))
            found[primary.id] = (heard, copied) if primary.version == release.candidate else (copied, heard)
        elif said := asked.get(primary.id):
            worth = float(np.mean(list(said.values())))
            found[primary.id] = (worth, 1.0 - worth)
    return found


def _score(reply: str, truth: str, *, labels: bool) -> float:
    """How good a reply is, in [0, 1]: right or wrong for labels, else `metrics.replies.agreement`."""
    return float(reply == truth) if labels else agreement(reply, truth)


def _failed(store: Store, release: Release) -> dict[str, tuple[float, float]]:
    """Interaction -> 0 for the version that failed and 1 for the other; 0 for both where both failed."""
    failed = defaultdict(set)
    for version, interaction in _errors(store, release):
        failed[interaction].add(version)
    return {
        interaction: (float(release.candidate not in who), float(release.champion not in who))
        for interaction, who in failed.items()
    }


def _errors(store: Store, release: Release) -> set[tuple[str, str]]:
    """(version, interaction) of every failure, each once."""
    return {
        (str(event.values["version"]), str(event.values["interaction"]))
        for event in store.events.list(release.id)
        if event.name == ERROR
    }


def _threshold(alpha: float) -> float:
    """Logarithm of the wealth that is significant; infinite where no error is allowed."""
    return -math.log(alpha) if alpha > 0.0 else math.inf
