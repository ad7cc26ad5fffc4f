"""The gate looks again while a candidate that it was unsure about is on trial: whoever labels live requests decides it.

Copies of the traffic are answered by both versions. As labels of these come, from whoever gives feedback and from
`homeostat label`, they are written into a book in the order in which they came (`loop.later`), and the gate is asked
again (`evaluate.again`). What it decides is a verdict like any other: one that passes goes on as if the first look had
let it pass, one that is worse is taken back. Nothing is trained for that. A look is made of rows and of the book alone,
so one that was cut off is simply made again.
"""

from __future__ import annotations

from dataclasses import replace

from homeostat.config.schema import Release as Rollout
from homeostat.evaluate.again import PAIRS, Later, concluded, opened, shares_known, stand
from homeostat.evaluate.score import PairedRow, from_lines
from homeostat.loop.held import book as doubted
from homeostat.loop.judging import KNOWN, NEW, REPLIES, aims, demanded_of
from homeostat.loop.later import Book, answered, keep, kept, spoken, unsure
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop
from homeostat.metrics.replies import right
from homeostat.release.guard import names
from homeostat.release.registry import withdraw
from homeostat.stats.again import KEPT
from homeostat.store import Store
from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release
from homeostat.types.report import Outcome, Report, Verdict
from homeostat.types.task import Kind
from homeostat.types.version import Version


def look(shop: Workshop, now: Now, release: Release, *, at: float) -> Outcome | None:
    """Ask the gate again about the candidate on trial, if there is anything new; what it says then, else None.

    A verdict is written once it is decided. The trial of a candidate that is shown to be worse ends.
    """
    first = unsure(shop.store, release)
    if first is None:
        return _ended(shop.store, release, at)
    report = shop.store.reports.get(first.report)
    before = kept(shop.store, release.candidate) or _begun(shop, now, first, report)
    if before is None:
        return None
    book = _grown(shop, release, report, before)
    if book == before and before.because:
        return None
    alpha = shop.config.evaluate.alpha
    stands = [stand(claim, book.pairs, book.shares.get(claim.name), alpha) for claim in book.asked]
    again = concluded(first, stands, book.left, len(book.pairs), now=at)
    if again.outcome is not Outcome.UNSURE:
        shop.store.verdicts.put(again)
    keep(shop.store, release.candidate, replace(book, because=again.because), stands)
    _ended(shop.store, release, at)
    return again.outcome


def _ended(store: Store, release: Release, at: float) -> Outcome | None:
    """End the trial of a candidate that a second look has shown to be worse; it may have been cut off before that."""
    said = spoken(store, release)
    running = store.releases.current(release.task)
    if said is None or running is None or running.id != release.id:
        return None
    if said.outcome is not Outcome.FAIL or said.spent is None or not said.spent.asked:
        return None
    withdraw(store, release.task, release.candidate, f"{release.candidate} {said.because}", now=at)
    return said.outcome


def safely(store: Store, release: Release, settings: Rollout) -> Rollout:
    """The settings of a trial whose candidate the gate looks at again: what it keeps of the level of live rows for that
    is no longer there for the trial itself.
    """
    watched = kept(store, release.candidate) is not None
    return replace(settings, alpha=(1.0 - KEPT) * settings.alpha) if watched else settings


def _begun(shop: Workshop, now: Now, first: Verdict, report: Report) -> Book | None:
    """A book without pairs; None where the rows of the first look were erased."""
    if not shop.store.blobs.holds(report.rows):
        return None
    rows = from_lines(shop.store.blobs.text(report.rows))
    settings, live = demanded_of(shop, now, report.champion), shop.config.release.alpha
    told = (REPLIES,)
    asked, left = opened(first, report, rows, settings, live=live, target=aims(rows), told=told)
    return Book(first=first.id, asked=tuple(asked), left=tuple(left))


def _grown(shop: Workshop, release: Release, report: Report, book: Book) -> Book:
    """The book with what was labeled since, in the order in which it was, and the shares that can be told by now."""
    store, kind = shop.store, shop.config.task(release.task).kind
    both = list(answered(store, release))
    known, held = {pair.row.id for pair in book.pairs}, doubted(store, release.task).held
    new = [
        (truth.time, truth.id, heard, copy, truth)
        for heard, copy, truth in both
        if truth is not None and heard.id not in known and truth.id not in held and (not truth.picked or truth.lot)
    ]
    champion = store.versions.get(report.champion)
    new.sort(key=lambda one: one[:2])
    pairs = [_later(kind, (heard, copy), truth, release.candidate, champion) for _, _, heard, copy, truth in new]
    shares = dict(book.shares)
    for claim in shares_known(book.asked, shares):
        about = [row[0].reply != row[1].reply for row in both if not claim.slice or claim.slice in names(row[0])]
        if len(about) >= PAIRS:
            shares[claim.name] = (sum(about), len(about))
    return replace(book, pairs=(*book.pairs, *pairs), shares=shares)


def _later(
    kind: Kind, both: tuple[Interaction, Interaction], truth: Feedback, candidate: str, champion: Version
) -> Later:
    values = {row.version: right(kind, row.reply, truth.value) for row in both}
    group = REPLIES if kind is Kind.TEXT else KNOWN if truth.value in champion.labels else NEW
    label = (f"label {truth.value}",) if kind is Kind.LABEL else ()
    heard, copy = both
    row = PairedRow(
        id=heard.id,
        group=group,
        candidate=values[candidate],
        champion=values[champion.id],
        slices=(*names(heard), *label),
    )
    return Later(row=row, differ=heard.reply != copy.reply, lot=truth.lot)
