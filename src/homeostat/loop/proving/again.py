"""The gate looks again while a candidate that it was unsure about is on trial: whoever labels live requests decides it.

Copies of the traffic are answered by both versions. As labels of these come, from whoever gives feedback and from
`homeostat label`, they are written into a book in the order in which they came (`loop.later`), and the gate is asked
again (`evaluate.again`). What it decides is a verdict like any other: one that passes goes on as if the first look had
let it pass, one that is worse is taken back. Nothing is trained for that. A look is made of rows and of the book alone,
so one that was cut off is simply made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from homeostat.config.schema import Release as Rollout
from homeostat.evaluate.again import PAIRS, concluded, opened, shares_known, stand
from homeostat.evaluate.asked import Ground, Later, once
from homeostat.evaluate.figures import well_formed
from homeostat.evaluate.overrated import heeded
from homeostat.evaluate.score import PairedRow, from_lines
from homeostat.evaluate.suites.ask import part_of, questions, worst
from homeostat.loop.listening import overrating
from homeostat.loop.listening.held import book as doubted
from homeostat.loop.proving.assisting import help_of
from homeostat.loop.proving.examining import answered as replied
from homeostat.loop.proving.judging import KNOWN, NEW, REPLIES, aims, demanded_of
from homeostat.loop.proving.later import Book, answered, keep, kept, spoken, unsure
from homeostat.loop.proving.suites import suites
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop, demanded
from homeostat.metrics.replies import right
from homeostat.release.judges import is_judge
from homeostat.release.registry import withdraw
from homeostat.release.slices import names
from homeostat.stats.again import KEPT
from homeostat.stats.clustered import asker
from homeostat.store import Store
from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release
from homeostat.types.report import Outcome, Report, Verdict
from homeostat.types.suite import Case, Suite
from homeostat.types.task import Kind


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
    judges = overrating.look(shop, release)
    doubted = "; ".join(one.because for one in judges if one.shown)
    book = replace(_grown(shop, release, report, before), doubted=doubted)
    if book == before and before.undecided:
        return None
    alpha = shop.config.evaluate.alpha
    stands = [stand(claim, book.pairs, book.shares.get(claim.name), alpha) for claim in book.asked]
    plain = concluded(first, stands, book.left, len(book.pairs), now=at)
    if book.spent:
        n = f"{len(book.spent):,} requests without a label"
        plain = replace(plain, because=f"{plain.because}; what {book.judge} says of {n} made labels worth more")
    again = heeded(plain, judges, alone=all(pair.by_judge for pair in book.pairs))
    told = replace(book, because=again.because, outcome=again.outcome.value)
    keep(shop.store, release.candidate, told, stands)  # first: a verdict without its evidence could not be made good
    if again.outcome is not Outcome.UNSURE:
        shop.store.verdicts.put(again)
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
    ground = Ground(
        live=shop.config.release.alpha,
        target=aims(rows),
        told=(REPLIES,),
        fair=demanded(shop.config, now.task),
        disturbed=tuple(part_of(suite, name) for suite in _borrowing(shop.store, now.task) for name in suite.under),
    )
    asked, left = opened(first, report, rows, demanded_of(shop, now, report.champion), ground)
    return Book(first=first.id, asked=tuple(asked), left=tuple(left))


def _grown(shop: Workshop, release: Release, report: Report, book: Book) -> Book:
    """The book with what was labeled since, in the order in which it was, and the shares that can be told by now."""
    store = shop.store
    both = sorted(answered(store, release), key=lambda row: (row[0].time, row[0].id))
    known = {*book.spent, *(pair.row.id for pair in book.pairs)}
    held = doubted(store, release.task).held
    new = [
        (truth.time, truth.id, heard, copy, truth)
        for heard, copy, truth in both
        if truth is not None and heard.id not in known and truth.id not in held and (not truth.picked or truth.lot)
    ]
    new.sort(key=lambda one: one[:2])
    beside = _disturbed(shop, release, book, [(heard.text, truth) for *_, heard, _, truth in new])
    helped = help_of(store, release, both, book, [heard.id for *_, heard, _, _ in new])
    words = [helped.word(heard, copy, truth) if helped else None for *_, heard, copy, truth in new]
    pairs = [
        replace(_later(shop, release, (heard, copy), truth, parts), word=word)
        for (*_, heard, copy, truth), parts, word in zip(new, beside, words, strict=True)
    ]
    if helped is not None and helped.spent:
        book = replace(book, judge=helped.judge, spent=(*book.spent, *helped.spent))
    shares = dict(book.shares)
    for claim in shares_known(book.asked, shares):
        of_it = [row for row in both if not claim.slice or claim.slice in names(row[0])]
        about = [row[0].reply != row[1].reply for row in once(of_it, lambda row: asker(row[0]))]
        if len(about) >= PAIRS:
            shares[claim.name] = (sum(about), len(about))
    return replace(book, pairs=(*book.pairs, *pairs), shares=shares)


def _borrowing(store: Store, task: str) -> list[Suite]:
    """The suites of a task whose cases are its test rows alone."""
    return [suite for suite in suites(store, task) if suite.test_rows and not suite.cases and not suite.fixed]


def _disturbed(
    shop: Workshop, release: Release, book: Book, said: Sequence[tuple[str, Feedback]]
) -> list[dict[str, tuple[float, float]]]:
    """What both versions reply to labeled requests under the disturbances that are still open, by part of a suite; the
    worst of its tries. Labels that were asked for tell of requests on which the two differ alone, and are left out.
    """
    found = [dict[str, tuple[float, float]]() for _ in said]
    parts, places = {claim.what for claim in book.asked}, [k for k, (_, truth) in enumerate(said) if not truth.lot]
    cases = [Case(text=said[k][0], expect=said[k][1].value) for k in places]
    borrowing = _borrowing(shop.store, release.task) if places else []
    asks = [one for suite in borrowing for one in questions(suite, cases) if one.part in parts]
    if not asks:
        return found
    task, store = shop.config.task(release.task), shop.store
    mine, theirs = (
        worst(asks, replied(shop, task, store.versions.get(version), asks))
        for version in (release.candidate, release.champion)
    )
    for (part, case), value in mine.items():
        found[places[case]][part] = (value, theirs[part, case])
    return found


def _later(
    shop: Workshop,
    release: Release,
    both: tuple[Interaction, Interaction],
    truth: Feedback,
    parts: dict[str, tuple[float, float]],
) -> Later:
    task, champion = shop.config.task(release.task), shop.store.versions.get(release.champion)
    heard, copy = both
    mine, theirs = (heard, copy) if heard.version == release.candidate else (copy, heard)
    labeled = task.kind is Kind.LABEL
    group = KNOWN if truth.value in champion.labels else NEW
    held = shop.config.tasks[release.task].fair
    row = PairedRow(
        id=heard.id,
        group=group if labeled else REPLIES,
        candidate=right(task.kind, mine.reply, truth.value),
        champion=right(task.kind, theirs.reply, truth.value),
        slices=(*names(heard), f"label {truth.value}") if labeled else tuple(names(heard)),
        tags={tag: heard.tags[tag] for tag in held if tag in heard.tags},
        target=truth.value if labeled else "",
        said=(mine.reply, theirs.reply) if labeled else ("", ""),
        sure=(_share(mine.confidence), _share(theirs.confidence)) if labeled else (),
        formed=() if labeled else (well_formed(mine.reply, truth.value), well_formed(theirs.reply, truth.value)),
        cluster=_numbered(release, heard),
    )
    by_judge = is_judge(truth.source)
    return Later(row=row, differ=heard.reply != copy.reply, lot=truth.lot, suites=parts, by_judge=by_judge)


def _numbered(release: Release, row: Interaction) -> str:
    """The same for requests of one user, or one episode, and nobody's name: the book of a candidate names nobody."""
    name = asker(row)
    return hashlib.sha256(f"{release.candidate} {name}".encode()).hexdigest()[:12] if name else ""


def _share(confidence: float) -> float:
    return round(min(max(confidence, 0.0), 1.0), 6)
