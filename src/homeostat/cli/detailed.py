"""What `homeostat eval --detail` shows: every figure with its interval, classes, confusions, slices, effort, judges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import typer

from homeostat.cli.places import text_of
from homeostat.cli.table import document, facts, scored, table
from homeostat.errors import NotText
from homeostat.evaluate.figures import SHARES, Schema
from homeostat.evaluate.suites.schema import hold_schema, valid
from homeostat.loop.asking.detail import Compared, Found
from homeostat.loop.asking.memory import Memory
from homeostat.types.report import Score
from homeostat.web import words
from homeostat.web.confusion import confusion
from homeostat.web.plain import plain

JUDGES = ("judge", "its mean rating", "by people", "by both", "kappa", "correlation")
BESIDE = ("judge", "by it", "by people", "by it at equal length", "overrates it")
LINES = 15
"""Confusions, and classes, that are shown; the document has all."""


def schema_of(file: Path | None) -> Schema | None:
    """The schema that a file holds, ready to be asked; None for no file.

    Raises:
        NotText: the file cannot be read.
        WrongType: it holds no JSON schema.
    """
    if file is None:
        return None
    text = text_of(file)
    hold_schema(text, str(file))
    return lambda reply: valid(reply, text)


def tell(found: Compared, plot: Path | None, warnings: Sequence[str] = (), *, as_json: bool) -> None:
    """Print what was found, and draw the confusions where that is asked for; a document has the warnings too. Raises as
    `draw`.
    """
    if plot is not None:
        draw(found, plot)
    document({**plain(found), "warnings": warnings}) if as_json else show(found)


def draw(found: Compared, file: Path) -> None:
    """Write the confusion matrix as SVG.

    Raises:
        NotText: the file cannot be written.
    """
    try:
        file.write_text(confusion(found.mine.detail.labels, found.mine.detail.confusion), encoding="utf-8")
    except OSError as problem:
        raise NotText(f"cannot be written: {problem.strerror}", where=str(file)) from None


def show(found: Compared) -> None:
    """Print what was found."""
    mine, other, apart = found.mine, found.other, found.difference
    columns = ("figure", mine.version, *((other.version, "difference") if other else ()))
    of = words.several(mine.detail.rows, "row")
    if mine.detail.clusters < mine.detail.rows:
        of += f" of {words.count(mine.detail.clusters)} users or episodes"
    theirs, moved = (other.detail.figures, apart.figures) if other and apart else (None, {})
    table(f"{mine.version}: {of}", columns, _lines(mine.detail.figures, theirs, moved))
    for version, name, why in ((one.version, *pair) for one in (mine, other) if one for pair in one.broken.items()):
        typer.echo(f"metric '{name}' of an installed package is left out for {version}: {why}")
    for name, figures in mine.detail.slices.items():
        theirs, moved = (other.detail.slices[name], apart.slices[name]) if other and apart else (None, {})
        table(f"\n{name}", columns, _lines(figures, theirs, moved))
    _classes(mine)
    for one in (mine, other):
        if one is not None:
            _effort(one)
            show_memory(one.version, one.memory)
            _judges(one)
    _overrated(found)


def _lines(
    mine: Mapping[str, Score], theirs: Mapping[str, Score] | None, moved: Mapping[str, Score]
) -> Iterator[tuple[str, ...]]:
    for what, score in mine.items():
        beside = () if theirs is None else (_said(what, theirs.get(what)), _moved(what, moved.get(what)))
        yield (what, _said(what, score), *beside)


def _classes(found: Found) -> None:
    classes, confusions = found.detail.classes, found.detail.confusions
    if not classes:
        return
    worst = sorted(classes.items(), key=lambda one: (one[1].f1.mean, one[0]))[:LINES]
    rows = [(label, *map(_share, (of.precision, of.recall, of.f1))) for label, of in worst]
    table(f"\n{len(worst)} of {len(classes)} classes, the worst first", ("label", "precision", "recall", "F1"), rows)
    most = confusions[:LINES]
    wrong = [(one.target, one.said, words.count(one.rows), scored(one.share)) for one in most]
    table(f"\n{len(most)} of {len(confusions)} confusions", ("right", "said", "rows", "of the right"), wrong)


def _effort(found: Found) -> None:
    version, effort = found.version, found.effort
    rows = [(f"latency {name}", _number(score, " ms")) for name, score in effort.latency_ms.items()]
    rows += [("tokens a second", _number(effort.tokens_per_s))] if effort.tokens_per_s else []
    rows += [("cost a request", _number(found.cost))] if found.cost else []
    rows += [("satisfaction", _share(found.satisfaction))] if found.satisfaction else []
    if rows:
        table(f"\n{version}, {words.several(effort.requests, 'request')} of users", ("what", "value"), rows)
    if effort.cost:
        facts("\nits training", effort.cost)


def show_memory(version: str, held: Memory | None) -> None:
    """Print what memory a version takes, if that is known."""
    if held is None:
        return
    peak = held.peak
    rows = [
        ("weights of the base", words.size(held.base)),
        ("files of the version", words.size(held.version)),
        *(
            (f"resident, {name}", words.sizes(score.mean, score.low, score.high, score.n))
            for name, score in held.steps.items()
        ),
        (f"most of this machine's {held.device}", words.sizes(peak.mean, peak.low, peak.high, peak.n)),
    ]
    table(f"\n{version}, answering {words.several(held.requests, 'request')}", ("memory", "value"), rows)


def _judges(found: Found) -> None:
    rows = [
        (
            one.judge,
            _share(one.ratings),
            _share(one.people),
            _share(one.corrected),
            _number(one.kappa),
            _number(one.correlation),
        )
        for one in found.judges
    ]
    if rows:
        table(f"\nreplies of {found.version}, rated", JUDGES, rows)


def _overrated(found: Compared) -> None:
    rows = [
        (one.judge, *(_number(score) for score in (one.rating, one.people, one.even)), "yes" if one.shown else "no")
        for one in found.overrated
    ]
    if rows and found.other is not None:
        table(f"\n{found.mine.version} above {found.other.version}, of requests that both answered", BESIDE, rows)


def _said(what: str, score: Score | None) -> str:
    return _share(score) if what in SHARES else _number(score)


def _moved(what: str, score: Score | None) -> str:
    if score is None:
        return "–"
    return words.moved(score.mean, score.low, score.high, score.n) if what in SHARES else _number(score)


def _share(score: Score | None) -> str:
    return scored(score) if score is not None else "–"


def _number(score: Score | None, unit: str = "") -> str:
    if score is None:
        return "–"
    low, high = (words.amount(end) for end in (score.low, score.high))
    return f"{words.amount(score.mean)}{unit} ({low} to {high}, n = {score.n:,})"
