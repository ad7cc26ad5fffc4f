"""The change log of a deployment: who answered a task since when, why, and on what evidence, from rows alone.

A change is a release row. What made its version, what the gate said of it and who signed it off are told where the
version comes in first; what no row says is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from homeostat.errors import NotFound
from homeostat.release.promoted import promoted
from homeostat.release.record import turn_of
from homeostat.store import Store
from homeostat.types.release import Release, Stage
from homeostat.types.report import Report, Score, Verdict
from homeostat.types.turn import APPROVAL, SIGNED, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a version's gate rested on."""

    verdict: str
    outcome: str
    because: str
    metric: str = ""
    beside: str = ""
    """The champion of that day."""
    gain: Score | None = None
    """How much it was ahead of that champion on the test rows, paired; None where the report is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of who answers."""

    release: str
    time: float
    stage: str
    says: str
    """Who answers what from then on."""
    champion: str
    tried: tuple[str, ...]
    share: float
    because: str
    who: str = ""
    """Who wrote the row, by the audit log: a user of the machine, or a part of Homeostat."""
    story: str = ""
    """What it was part of: a turn, a drill, a trial, a rebuild or a split; empty where a person released by hand."""
    turn: str = ""
    made_because: str = ""
    """Why the version that comes in here was made, by the decision."""
    measured: Measured | None = None
    way: str = ""
    """What a promotion rests on."""
    approval: str = ""
    """A person's word on the retraining."""
    signed: str = ""
    """A person's word on the release."""


def changes(store: Store, task: str) -> list[Change]:
    """Every change of who answers a task, in the order in which they came."""
    rows, ways = store.releases.list(task), promoted(store, task)
    verdicts, reports = store.verdicts.list(task), {report.id: report for report in store.reports.list(task)}
    met, risen, found = set[str](), set[str](), list[Change]()
    for row in rows:
        new = tuple(version for version in _about(row) if version not in met)
        met |= {row.champion, *row.tried}
        promotes = row.stage is Stage.FULL and row.champion not in risen
        risen |= {row.champion} if promotes else set()
        gated = _verdict(verdicts, new[0], row.time) if len(new) == 1 else None
        found.append(
            _change(store, row, new, _measured(gated, reports), ways.get(row.champion, "") if promotes else "")
        )
    return found


def _change(store: Store, row: Release, new: Sequence[str], measured: Measured | None, way: str) -> Change:
    own, made = turn_of(store, row.id), turn_of(store, new[0]) if len(new) == 1 else None
    word = own or made
    return Change(
        release=row.id,
        time=row.time,
        stage=row.stage.value,
        says=_says(row),
        champion=row.champion,
        tried=row.tried,
        share=row.share,
        because=row.because,
        who=next((entry.who for entry in store.audit.list(row.id) if entry.what.startswith("release")), ""),
        story=own.story if own else "",
        turn=own.id if own else "",
        made_because=_decided(store, made),
        measured=measured,
        way=str(way),
        approval=word.diary.get(APPROVAL, "") if word and new else "",
        signed=word.diary.get(SIGNED, "") if word and new else "",
    )


def _about(row: Release) -> tuple[str, ...]:
    """The versions that a row brings in, if it is the first that names them."""
    return row.tried if row.stage is not Stage.FULL else (row.champion,)


def _says(row: Release) -> str:
    match row.stage:
        case Stage.SHADOW:
            return f"{row.candidate} is asked copies of requests; {row.champion} answers everything"
        case Stage.CANARY:
            return f"{row.candidate} answers {100 * row.share:g} % of the episodes, {row.champion} the rest"
        case Stage.SPLIT:
            shares = ", ".join(f"{version} {100 * share:g} %" for version, share in row.shares.items())
            return f"episodes are split: {shares}, {row.champion} the rest"
        case Stage.ROLLBACK:
            back = f"{row.candidate} is taken back" if row.candidate else "the split has ended"
            return f"{back}; {row.champion} answers everything"
    return f"{row.champion} answers everything"


def _verdict(verdicts: Sequence[Verdict], version: str, until: float) -> Verdict | None:
    """The last one on a version before a moment."""
    said = [one for one in verdicts if one.candidate == version and one.time <= until]
    return said[-1] if said else None


def _measured(verdict: Verdict | None, reports: dict[str, Report]) -> Measured | None:
    if verdict is None:
        return None
    report = reports.get(verdict.report)
    return Measured(
        verdict=verdict.id,
        outcome=verdict.outcome.value,
        because=verdict.because,
        metric=report.metric if report else "",
        beside=report.champion if report else "",
        gain=report.difference if report else None,
    )


def _decided(store: Store, turn: Turn | None) -> str:
    try:
        return store.decisions.get(turn.diary["decide"]).because if turn and turn.diary.get("decide") else ""
    except NotFound:
        return ""


def told(task: str, found: Sequence[Change], when: dict[str, str]) -> Iterator[str]:
    """The log as lines of markdown; `when` says the moment of each row as people read it."""
    yield f"# Who answered {task}"
    if not found:
        yield "\nNobody yet: no version was ever released."
    for one in found:
        yield f"\n## {when[one.release]}: {one.stage}\n"
        yield f"{_sentence(one.says)}\n"
        yield from (f"- {name}: {value}" for name, value in _lines(one) if value)


def _lines(one: Change) -> Iterator[tuple[str, str]]:
    yield "why", one.because
    yield "who", one.who + (f", in {one.story} `{one.turn}`" if one.turn else "")
    yield "made because", one.made_because
    if one.measured is not None:
        yield "gate", f"{one.measured.outcome}, {one.measured.because} (`{one.measured.verdict}`)"
        yield "gain", _gain(one.measured)
    yield "rests on", one.way
    yield "approval of the retraining", one.approval
    yield "sign-off of the release", one.signed
    yield "row", f"`{one.release}`"


def _gain(measured: Measured) -> str:
    gain = measured.gain
    if gain is None:
        return ""
    low, high = (f"{100 * end:+.1f}" for end in (gain.low, gain.high))
    said = f"{100 * gain.mean:+.1f} points of {measured.metric} ({low} to {high}, n = {gain.n:,})"
    return f"{said} beside {measured.beside} on the test rows"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
