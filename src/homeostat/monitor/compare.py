"""Two windows of traffic compared: in which features they differ, how sure that is, and by how much.

Pure: rows in, a report out. A window is looked at once, so each p-value is one of a single look; looking again every
hour until one is small finds a change in any traffic. What may look after every request is `watch.Watcher`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from homeostat.config.schema import Decide
from homeostat.errors import BadWindow
from homeostat.monitor.catalogue import DETECTORS, FEATURES, TAG, TESTS, feature_of
from homeostat.monitor.detectors.batch.chi_square import largest_change
from homeostat.monitor.detectors.batch.comparison import Comparison, Test
from homeostat.monitor.detectors.batch.z import standard_error
from homeostat.monitor.features.feature import Feature, Floats, Rows, Shape, Values, known_rows
from homeostat.monitor.features.nearness import novelty
from homeostat.monitor.features.record import cost
from homeostat.monitor.hours import Hours, matched
from homeostat.monitor.opinion import Opinion, opinions
from homeostat.monitor.slices import Slice, slices
from homeostat.stats.many import benjamini_hochberg, holm
from homeostat.types.interaction import Interaction

LEAST = 30
"""Rows of a window, and known values of a feature in it, without which nothing is compared."""
KINDS = 200
"""Different values from which on a label is taken to be a text."""
HOURS, COST = "hour_of_week", "cost"
TESTED = ("ks", "chi_square", "bbsd", "classifier")
"""Tests that are made if none is named: for each shape of feature the quickest whose p-value can be as small as any."""
SHOWN = 10
_Z95 = 1.96


class Verdict(StrEnum):
    """What is made of a test, given all the others."""

    MOVED = "moved"
    """Holm's p-value is at most alpha: that any such line is wrong has at most this probability."""
    PERHAPS = "perhaps"
    """The q-value is at most alpha: of lines that are called so or moved, a share of at most alpha is wrong on
    average.
    """
    STEADY = "–"
    """Neither."""
    ABOVE = "above"
    """A test without a p-value is above its usual limit."""
    BELOW = "below"
    """It is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One test of one feature, read beside all others."""

    comparison: Comparison
    shape: Shape
    unit: str
    """What the numbers of this line count."""
    value: str = ""
    """For labels, the one whose share moved most."""
    before: float = math.nan
    """Mean, or share of `value`, in the reference; NaN for vectors, as the next three."""
    after: float = math.nan
    low: float = math.nan
    """95 % interval of the change of a mean."""
    high: float = math.nan
    holm: float | None = None
    q: float | None = None
    verdict: Verdict = Verdict.STEADY


@dataclass(frozen=True, slots=True, kw_only=True)
class Novel:
    """A current row that is like few before it."""

    id: str
    text: str
    distance: float
    """From the nearest known rows, in [0, 2]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a comparison of two windows found."""

    alpha: float
    n_reference: int
    """Requests that were compared: those that are left of a window where hours were matched."""
    n_current: int
    hours: Hours
    """By which hours the windows were matched."""
    says: str
    """What was left out for that, in a sentence; empty where nothing was."""
    lines: tuple[Line, ...]
    """Strongest evidence first."""
    left_out: dict[str, str]
    """Features that could not be compared, and why."""
    slices: tuple[Slice, ...]
    """Values of tags whose share moved most, largest first."""
    novel: tuple[Novel, ...]
    """Current rows, whichever hour they came in, most novel first."""
    opinions: tuple[Opinion, ...]
    """What the classical detectors on a stream say of the numbers that moved."""
    cautions: tuple[str, ...]
    """Why windows may differ although traffic has not moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be compared, and how."""

    features: tuple[str, ...] = ()
    """Names; if empty every tag and all features there are, but for the hour of the week, of which a caution is given,
    and for those that say the same as another one.
    """
    tests: tuple[str, ...] = TESTED
    detectors: tuple[str, ...] = ("adwin", "cusum")
    alpha: float = 0.05
    seed: int = 0
    an_hour: float = Decide().price_per_cpu_hour
    """Price of an hour of answering, for `cost`."""
    own_states: bool = True
    """Whether embeddings are states of the versions that answered, so that those of two do not compare."""
    hours: Hours = Hours.AUTO
    """Which hours the windows are to have in common; nothing is matched where AUTO and the hours are a feature."""


def compare(reference: Rows, current: Rows, question: Question) -> Report:
    """Compare two windows, each in the order of time.

    Half of the reference, drawn by lot, is what features that measure against known rows measure against; they are
    compared over the other half.

    Raises:
        UnknownPlugin: a name that no feature, test or detector has.
        BadWindow: the windows are too small, share rows, have too few hours in common where that was asked for, or no
            test can be made.
    """
    require_apart(reference, current)
    alike = matched(reference, current, _hours(question), least=LEAST, alpha=question.alpha, seed=question.seed)
    reference, current, whole = alike.reference, alike.current, current
    known, rest = halves(reference, question.seed)
    tests = [TESTS.get(name)() for name in question.tests]
    detectors = {name: DETECTORS.get(name) for name in question.detectors}
    lines: list[Line] = []
    left_out: dict[str, str] = {}
    for name, feature in _asked(question, (*reference, *current)).items():
        rows = rest if feature.learns else reference
        try:
            windows = _values(feature, rows, known), _values(feature, current, known)
            made = _lines(name, feature, windows, tests)
        except ValueError as reason:
            left_out[name] = str(reason)
        else:
            lines += made
    if not lines:
        why = "; ".join(f"{name}: {told}" for name, told in left_out.items())
        raise BadWindow(f"nothing can be compared: {why}", fix="name other features or tests, or give larger windows")
    judged = ranked(lines, question.alpha)
    moved = _moved_numbers(judged, question.alpha)
    return Report(
        alpha=question.alpha,
        n_reference=len(reference),
        n_current=len(current),
        hours=alike.hours,
        says=alike.says,
        lines=judged,
        left_out=left_out,
        slices=slices(reference, current)[:SHOWN],
        novel=_novel(known, whole),
        opinions=opinions(moved, (reference, rest, current), known, detectors),
        cautions=tuple(filter(None, (alike.caution, _other_versions(reference, current, question)))),
    )


def require_apart(reference: Rows, current: Rows) -> None:
    """Hold that both windows have rows enough, and none in common.

    Raises:
        BadWindow: they do not.
    """
    for name, rows in (("reference", reference), ("current", current)):
        if len(rows) < LEAST:
            few = f"the {name} window has {len(rows)} rows" if rows else f"the {name} window has no rows"
            fix = "give a wider one; of a short log, for instance, --reference first:100 --current last:100"
            raise BadWindow(f"{few}; {LEAST} are the least that is compared", where=name, fix=fix)
    shared = {row.id for row in reference} & {row.id for row in current}
    if shared:
        raise BadWindow(
            f"the windows overlap: {len(shared)} rows are in both",
            where=f"e.g. {min(shared)}",
            fix="let the reference end where the current window begins",
        )


def halves(rows: Rows, seed: int) -> tuple[list[Interaction], list[Interaction]]:
    """Two halves by lot, each in the order the rows had: what is known, and what is compared."""
    chosen = np.random.default_rng(seed).permutation(len(rows)) < len(rows) // 2
    return [row for row, k in zip(rows, chosen, strict=True) if k], [
        row for row, k in zip(rows, chosen, strict=True) if not k
    ]


def ranked(lines: Sequence[Line], alpha: float) -> tuple[Line, ...]:
    """The lines with their corrected p-values and verdicts, strongest evidence first."""
    tested = [line for line in lines if line.comparison.p_value is not None]
    p = [line.comparison.p_value for line in tested]
    sure, shares = (f(np.array(p, dtype=np.float64)) for f in (holm, benjamini_hochberg))
    out = [
        replace(line, holm=float(h), q=float(q), verdict=_verdict(float(h), float(q), alpha))
        for line, h, q in zip(tested, sure, shares, strict=True)
    ]
    out += [replace(line, verdict=_beside_limit(line)) for line in lines if line.comparison.p_value is None]
    return tuple(sorted(out, key=_evidence))


def _asked(question: Question, rows: Rows) -> dict[str, Feature]:
    tags = sorted({tag for row in rows for tag in row.tags})
    found = {name: feature_of(name, tags) for name in question.features or _every(tags)}
    return found | {COST: cost(question.an_hour)} if COST in found else found


def _every(tags: Sequence[str]) -> list[str]:
    names = [name for name in FEATURES.names() if name != HOURS and not FEATURES.get(name).twin]
    return names + [TAG + tag for tag in tags]


def _values(feature: Feature, rows: Rows, known: Rows) -> Values:
    """The known values of a feature.

    Raises:
        ValueError: they are too few.
    """
    values = known_rows(feature.of(rows, known))
    if len(values) < LEAST // 2:
        raise ValueError(
            f"known of {len(values)} rows of a window only" if len(values) else "known of no row of a window"
        )
    return values


def _lines(name: str, feature: Feature, windows: tuple[Values, Values], tests: Sequence[Test]) -> list[Line]:
    """A line per test that suits the feature.

    Raises:
        ValueError: there is nothing to compare, or none suits.
    """
    reference, current = windows
    if reference.shape[1:] != current.shape[1:]:
        raise ValueError(f"{reference.shape[1]} columns before and {current.shape[1]} now: not the same model")
    both = np.concatenate(windows)
    if (both == both[0]).all():
        raise ValueError("the same in all rows")
    if feature.shape is Shape.LABEL and (kinds := len(set(both.tolist()))) > KINDS:
        raise ValueError(f"{kinds} different values, so it is a text")
    suited = [test for test in tests if test.suits(name, feature.shape)]
    if not suited:
        raise ValueError(f"no test that was asked for takes a {feature.shape}")
    about = _about(feature, reference, current)
    made = [(replace(test(reference, current), feature=name), test.effect) for test in suited]
    if feature.shape is Shape.VECTOR:
        return [replace(about, comparison=found, unit=effect) for found, effect in made]
    return [replace(about, comparison=found) for found, _ in made]


def _about(feature: Feature, reference: Values, current: Values) -> Line:
    """What moved in a feature's own unit, whichever test looks at it."""
    blank = Comparison(name="", statistic=0.0, p_value=None, effect=0.0, n_reference=0, n_current=0)
    line = Line(comparison=blank, shape=feature.shape, unit=feature.unit)
    if feature.shape is Shape.LABEL:
        value, _ = largest_change(reference, current)
        before, after = (float((window == value).mean()) for window in (reference, current))
        return replace(line, value=value, before=before, after=after)
    if feature.shape is Shape.NUMBER:
        before, after = float(reference.mean()), float(current.mean())
        half = _Z95 * standard_error(reference, current)
        return replace(line, before=before, after=after, low=after - before - half, high=after - before + half)
    return line


def _verdict(sure: float, share: float, alpha: float) -> Verdict:
    return Verdict.MOVED if sure <= alpha else Verdict.PERHAPS if share <= alpha else Verdict.STEADY


def _beside_limit(line: Line) -> Verdict:
    limit = line.comparison.threshold
    return Verdict.ABOVE if limit is not None and line.comparison.statistic > limit else Verdict.BELOW


def _evidence(line: Line) -> tuple[bool, float, float]:
    """Small p-values first; those without one last, largest statistic first."""
    p = line.comparison.p_value
    return p is None, 0.0 if p is None else p, -abs(line.comparison.statistic)


def _moved_numbers(lines: Sequence[Line], alpha: float) -> list[str]:
    found = [line for line in lines if line.shape is Shape.NUMBER and line.q is not None and line.q <= alpha]
    return list(dict.fromkeys(line.comparison.feature for line in found))


def _novel(known: Rows, current: Rows) -> tuple[Novel, ...]:
    """Current rows far from the known ones; a text is shown once."""
    distances: Floats = novelty(current, known)
    shown: dict[str, Novel] = {}
    for k in np.argsort(-np.nan_to_num(distances, nan=-1.0), kind="stable"):
        row, distance = current[k], float(distances[k])
        if math.isfinite(distance) and row.text not in shown:
            shown[row.text] = Novel(id=row.id, text=row.text, distance=distance)
        if len(shown) == SHOWN:
            break
    return tuple(shown.values())


def _hours(question: Question) -> Hours:
    return Hours.ANY if question.hours is Hours.AUTO and HOURS in question.features else question.hours


def _other_versions(reference: Rows, current: Rows, question: Question) -> str:
    """That other versions answered, if so."""
    answered = [sorted({row.version for row in rows if row.version}) for rows in (reference, current)]
    if not all(answered) or answered[0] == answered[1]:
        return ""
    were, are = (", ".join(versions[:3]) + (" …" if len(versions) > 3 else "") for versions in answered)
    told = "confidence, replies and embeddings compare" if question.own_states else "confidence and replies compare"
    return f"other versions answered ({were}; then {are}): {told} them too"
