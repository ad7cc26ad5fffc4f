"""What the log and the labels say of the metric of an objective, over some time, with a 99 % interval.

Labels that were asked for because the model was unsure measure nothing, and are left out. Of what was said only that
counts which was said by the end of the time, so that a baseline does not change when labels come late. Requests of one
user, or of one episode, are counted as what they are: requests that belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from homeostat.config.schema import Config
from homeostat.decide.metric import Prices
from homeostat.decide.objective import Objective
from homeostat.decide.trigger.sight import FEWEST, ROWS
from homeostat.evaluate import fair
from homeostat.evaluate.bounds import NAMES, calibration_error, macro
from homeostat.evaluate.detail import of_class
from homeostat.evaluate.figures import Told
from homeostat.metrics import fairness
from homeostat.metrics.fairness import Grouped
from homeostat.metrics.overlap import exact_match, rouge_l
from homeostat.monitor.quality.course import right
from homeostat.release.judges import believed, is_judge
from homeostat.stats import clustered
from homeostat.stats.clustered import asker, cluster_of, clusters_of
from homeostat.stats.gaps import gap
from homeostat.store import Store
from homeostat.types.feedback import TRUTHS, Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.report import Score
from homeostat.types.task import Kind

MOST = 2_000
"""Newest requests, or labeled replies, that a metric is read from; the mean of labeled ones is of the newest 200."""
LEVEL = 0.99
"""Level of every interval."""
Rows = Sequence[Interaction]
Pairs = Sequence[tuple[Interaction, Feedback]]
Said = Mapping[str, Sequence[Feedback]]
"""Id of an interaction -> what was said of it, oldest first."""
Values = list[tuple[float, str]]
"""Each value with what its row shares with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Whose replies are looked at, and of when."""

    since: float
    until: float
    """Also the moment by which something must have been said to count."""
    version: str = ""
    """Empty for whoever answered."""


def measured(config: Config, store: Store, task: str, objective: Objective, span: Span) -> Score | None:
    """A metric over some time with its 99 % interval; None where there are too few values to say."""
    reads, kind = _Reads(store, task, objective, span), config.tasks[task].kind
    metric = objective.metric
    if metric in _RIGHT:
        values = [(_right(kind, row, said), asker(row)) for row, said in reads.labeled()[-ROWS:]]
        return _mean([(1.0 - value, who) for value, who in values] if metric == "wrong" else values)
    if metric in NAMES:
        return _of_labels(reads.labeled()[-MOST:], objective, config.task(task).unsure_reply)
    if metric == "calibration_error":
        return _calibration(reads.labeled()[-MOST:])
    if metric in _ALIKE:
        return _mean([(_ALIKE[metric](row.reply, said.value), asker(row)) for row, said in reads.labeled()[-MOST:]])
    if metric.endswith("_gap"):
        return _gap(kind, reads, objective)
    if metric == "error_rate":
        return _mean([(float(row.role is Role.FAILED), asker(row)) for row in reads.asked()])
    rows = reads.answered()
    if metric == "latency_p95_ms":
        return _slowest(rows)
    if metric == "cost":
        return _mean(costs(rows, objective.prices or usual_prices(config)))
    return _mean(_MEANS[metric](rows, reads.said(rows) if metric in _SAID else {}))


@dataclass(frozen=True, slots=True)
class _Reads:
    """What is read from the store for one objective: rows of its slice, oldest first."""

    store: Store
    task: str
    objective: Objective
    span: Span

    def labeled(self) -> Pairs:
        """Replies of which it is known what was right."""
        span = self.span
        pairs = self.store.interactions.labeled(
            self.task, since=span.since, version=span.version, feedback_until=span.until, measuring=True
        )
        return [pair for pair in pairs if self._within(pair[0])]

    def answered(self, role: Role = Role.PRIMARY) -> list[Interaction]:
        """The newest requests that got a reply, or had another role."""
        span = self.span
        rows = self.store.interactions.last(
            self.task, MOST, since=span.since, until=span.until, version=span.version, role=role
        )
        return [row for row in rows if self._within(row)]

    def asked(self) -> list[Interaction]:
        """The newest requests, those among them that got no reply."""
        both = [*self.answered(), *self.answered(Role.FAILED)]
        return sorted(both, key=lambda row: (row.time, row.id))[-MOST:]

    def said(self, rows: Rows) -> Said:
        """What people and judges said of these requests, unless somebody asked them because the model was unsure."""
        found: dict[str, list[Feedback]] = {}
        said = self.store.feedback.of([row.id for row in rows])
        for one in believed(self.store, self.task, said) if rows else ():
            if one.time <= self.span.until and not one.picked:
                found.setdefault(one.interaction, []).append(one)
        return found

    def _within(self, row: Interaction) -> bool:
        return all(row.tags.get(tag) == value for tag, value in self.objective.slice.items())


def _mean(values: Values) -> Score | None:
    if len(values) < FEWEST:
        return None
    return clustered.mean([value for value, _ in values], clusters_of([who for _, who in values]), LEVEL)


def _right(kind: Kind, row: Interaction, said: Feedback) -> float:
    return right(kind, row.reply, said.value)


def _of_labels(pairs: Pairs, objective: Objective, never: str) -> Score | None:
    """Precision, recall and F1, of one label or on average over all of them."""
    told = [_told(row, said) for row, said in pairs]
    clusters = clusters_of([one.cluster for one in told])
    if objective.label:
        return _of_label(told, clusters, objective)
    return macro(told, objective.metric, clusters, LEVEL, never) if len(told) >= FEWEST else None


def _calibration(pairs: Pairs) -> Score | None:
    """A confidence of 0 stands for one that nobody measured."""
    told = [_told(row, said) for row, said in pairs if row.confidence > 0.0]
    return calibration_error(told, clusters_of([one.cluster for one in told]), LEVEL) if len(told) >= FEWEST else None


def _told(row: Interaction, said: Feedback) -> Told:
    sure = min(max(row.confidence, 0.0), 1.0)
    return Told(target=said.value.strip(), said=row.reply.strip(), sure=sure, cluster=asker(row))


def _of_label(told: Sequence[Told], clusters: clustered.Ints, objective: Objective) -> Score | None:
    """Precision of the replies with a label, recall of the rows whose target it is, or F1 of the rows of both."""
    said, wanted = (np.array([side == objective.label for side in of], bool) for of in _sides(told))
    if not (said | wanted).any():
        return None
    found = of_class(said, wanted, clusters, LEVEL)
    score = {"precision": found.precision, "recall": found.recall, "f1": found.f1}[objective.metric]
    return score if score is not None and score.n >= FEWEST else None


def _sides(told: Sequence[Told]) -> tuple[list[str], list[str]]:
    return [one.said for one in told], [one.target for one in told]


def _gap(kind: Kind, reads: _Reads, objective: Objective) -> Score | None:
    """The largest gap between two values of a tag, over all labels that are asked about: what it is, at least and at
    most, each bound at half a percent for all of them. Values of few rows are left out.
    """
    tag, places = objective.tag, list[Grouped]()
    if objective.metric == "demographic_parity_gap":
        rows = [row for row in reads.answered() if tag in row.tags]
        groups, said = [row.tags[tag] for row in rows], [row.reply.strip() for row in rows]
        places = [fairness.parity_values(said, groups, one) for one in _asked(said, objective)]
    else:
        pairs = [pair for pair in reads.labeled()[-MOST:] if tag in pair[0].tags]
        rows = [row for row, _ in pairs]
        groups = [row.tags[tag] for row in rows]
        places = list(_places(kind, pairs, groups, objective))
    large = [{name: of for name, of in place.items() if len(of) >= fair.FEWEST} for place in places]
    large = [place for place in large if len(place) > 1]
    if not large or len(rows) < FEWEST:
        return None
    family, alpha = sum(len(place) * (len(place) - 1) for place in large), (1.0 - LEVEL) / 2.0
    found = [gap(place, alpha=alpha, family=family).score for place in large]
    mean, low, high = (max(getattr(one, end) for one in found) for end in ("mean", "low", "high"))
    return Score(mean=mean, low=low, high=high, n=len(rows))


def _places(kind: Kind, pairs: Pairs, groups: Sequence[str], objective: Objective) -> Iterator[Grouped]:
    """What is compared between the groups: how right replies are, or how often each label is given."""
    said, wanted = [row.reply.strip() for row, _ in pairs], [one.value.strip() for _, one in pairs]
    if objective.metric == "accuracy_gap":
        values, of = np.array([_right(kind, *pair) for pair in pairs]), np.asarray(groups)
        yield {name: values[of == name] for name in sorted(set(groups))}
        return
    for label in _asked(wanted, objective):
        yield fairness.recall_values(said, wanted, groups, label)
        if objective.metric == "equalized_odds_gap":
            yield fairness.false_values(said, wanted, groups, label)


def _asked(labels: Sequence[str], objective: Objective) -> list[str]:
    return [objective.label] if objective.label else sorted(set(labels))


def _slowest(rows: Rows) -> Score | None:
    timed = [row for row in rows if row.latency_ms > 0.0]
    if len(timed) < FEWEST:
        return None
    return clustered.quantile(
        [row.latency_ms for row in timed], 0.95, clusters_of([asker(row) for row in timed]), LEVEL
    )


def usual_prices(config: Config) -> Prices:
    """What answering costs where nobody has said: the processor's time, at the project's price."""
    return Prices(hour=config.decide.price_per_cpu_hour * config.model.threads)


def costs(rows: Rows, prices: Prices) -> Values:
    """What each request cost: the tokens read and written, and the time that it took."""
    return [
        (
            prices.read * row.prompt_tokens / 1e6
            + prices.written * row.reply_tokens / 1e6
            + prices.hour * row.latency_ms / 3.6e6,
            asker(row),
        )
        for row in rows
    ]


def _ratings(rows: Rows, said: Said, *, judges: bool = False) -> Values:
    """People's newest rating of each request that they rated, or that of judges."""
    found = [(_newest_rating(said.get(row.id, ()), judges), asker(row)) for row in rows]
    return [(rating, who) for rating, who in found if rating is not None]


def _newest_rating(said: Sequence[Feedback], judges: bool) -> float | None:
    given = [float(f.value) for f in said if f.kind is FeedbackKind.RATING and is_judge(f.source) == judges]
    return given[-1] if given else None


def _corrected(rows: Rows, said: Said) -> Values:
    """1 for each reply in whose place somebody wanted another one, else 0."""
    return [(float(_wanted_other(row, said.get(row.id, ()))), asker(row)) for row in rows]


def _wanted_other(row: Interaction, said: Sequence[Feedback]) -> bool:
    return any(f.kind in TRUTHS and f.value.strip() != row.reply.strip() for f in said)


def satisfied(rows: Rows, said: Said) -> Values:
    """Of each episode, or request without one, the last reply of which people said something: 0 where they wanted
    another, else their newest rating, and 1 where they confirmed it without one.
    """
    last: dict[str, tuple[float, str]] = {}
    for row in rows:
        of = [f for f in said.get(row.id, ()) if f.kind is not FeedbackKind.COMMENT and not is_judge(f.source)]
        if of:
            rating = _newest_rating(of, judges=False)
            value = 0.0 if _wanted_other(row, of) else 1.0 if rating is None else rating
            last[row.episode or row.id] = (value, cluster_of(row.tags))
    return list(last.values())


def _latencies(rows: Rows, said: Said) -> Values:
    return [(row.latency_ms, asker(row)) for row in rows if row.latency_ms > 0.0]


def _tokens(rows: Rows, said: Said) -> Values:
    return [(float(row.prompt_tokens + row.reply_tokens), asker(row)) for row in rows]


def _resolutions(rows: Rows, said: Said) -> Values:
    """Seconds from the first request of each episode to its last, in the order in which they began."""
    ends: dict[str, tuple[float, Interaction]] = {}
    for row in rows:
        if row.episode:
            first, _ = ends.get(row.episode, (row.time, row))
            ends[row.episode] = (first, row)
    return [(last.time - first, cluster_of(last.tags)) for first, last in ends.values()]


_RIGHT = ("accuracy", "chrf", "wrong")
_ALIKE = {"exact_match": exact_match, "rouge": rouge_l}
"""Metric -> how far a reply is the right text, in [0, 1]."""
_MEANS: Mapping[str, Callable[[Rows, Said], Values]] = {
    "rating": _ratings,
    "judged": partial(_ratings, judges=True),
    "corrected": _corrected,
    "satisfaction": satisfied,
    "latency_ms": _latencies,
    "tokens": _tokens,
    "resolution_s": _resolutions,
}
"""Metrics that need no label: from requests, oldest first, and what was said of them, to values."""
_SAID = ("rating", "judged", "corrected", "satisfaction")
