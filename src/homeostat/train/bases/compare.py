"""Several bases beside each other on the same rows, each in a process of its own, and which of them to take."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from homeostat.errors import HomeostatError, NothingToTrainOn
from homeostat.llm.load import open_model
from homeostat.stats.intervals import mean_interval, paired
from homeostat.train.bases.facts import Facts, facts
from homeostat.train.bases.probe import Probe, Rows, probe
from homeostat.train.bases.reading import Reading, read
from homeostat.types.dataset import Example
from homeostat.types.report import Score
from homeostat.types.task import Kind

EXAMINED = 200
"""Most rows of the exam."""
SHARE = 0.25
"""Of the rows that are in the exam, as long as there are few."""
READ = 2000
"""Most texts that the tokenizers read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One base, as it did."""

    base: str
    facts: Facts | None = None
    reading: Reading | None = None
    probe: Probe | None = None
    before: Score | None = None
    """Without training, with its interval."""
    after: Score | None = None
    behind: Score | None = None
    """By how much the best one is ahead on the same rows; None for the best one."""
    failed: str = ""
    """Why there are no figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of all."""

    candidates: tuple[Candidate, ...]
    """The best first; those that failed last."""
    recommended: str
    why: str
    """The reasons, in a sentence or two."""
    rows: int
    """Of the exam."""
    steps: int


def parted(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """The rows to learn and those of the exam, by a hash of the text: the same for every base, today and tomorrow.

    Raises:
        NothingToTrainOn: there are not two texts that differ.
    """
    by_text = sorted(dict.fromkeys(row.text for row in examples), key=_place)
    if len(by_text) < 2:
        raise NothingToTrainOn("too few rows to compare bases on", fix="give a few hundred labeled rows")
    exam = set(by_text[: min(EXAMINED, max(1, round(SHARE * len(by_text))))])
    return [row for row in examples if row.text not in exam], [row for row in examples if row.text in exam]


def compare(bases: Sequence[str], rows: Rows, told: Callable[[int, str], None] = lambda done, base: None) -> Comparison:
    """Try every base and say which one to take.

    Args:
        bases: `builtin`, hub names or folders.
        rows: what they are tried on.
        told: how many have been tried, and which one is next.

    Raises:
        HomeostatError: no base could be tried; that of the last one.
    """
    found: list[Candidate] = []
    problem: HomeostatError | None = None
    for done, base in enumerate(dict.fromkeys(bases)):
        told(done, base)
        made = _apart(base, rows)
        if isinstance(made, HomeostatError):
            problem, made = made, Candidate(base=base, failed=f"{made.code} {made.what}")
        found.append(made)
    if problem is not None and all(each.failed for each in found):
        raise problem
    return ranked(found, rows)


def ranked(found: Sequence[Candidate], rows: Rows) -> Comparison:
    """The candidates in order, and the recommendation.

    Those whose distance to the best might be chance are as good as it; of these the quickest to answer is taken.
    """
    tried = sorted((each for each in found if each.probe), key=lambda each: -_score(each).mean)
    placed = [tried[0], *(_behind(each, tried[0]) for each in tried[1:])] if tried else []
    alike = [each for each in placed if each.behind is None or each.behind.low <= 0]
    best = min(alike, key=lambda each: each.probe.latency_ms if each.probe else 0.0, default=None)
    return Comparison(
        candidates=(*placed, *(each for each in found if not each.probe)),
        recommended=best.base if best else "",
        why=_why(best, placed, alike, rows) if best else "No base could be tried.",
        rows=len(rows.exam),
        steps=rows.steps,
    )


def _score(each: Candidate) -> Score:
    score = each.after or each.before
    assert score is not None
    return score


def _behind(each: Candidate, best: Candidate) -> Candidate:
    assert each.probe is not None
    assert best.probe is not None
    return replace(each, behind=paired(best.probe.rows, each.probe.rows))


def _why(best: Candidate, placed: Sequence[Candidate], alike: Sequence[Candidate], rows: Rows) -> str:
    score, what = _score(best), "right" if rows.task.kind is Kind.LABEL else "probability a byte"
    when = f"after {rows.steps} steps" if rows.steps else "without training"
    said = [f"{best.base}: {score.mean:.3f} {what} ({score.low:.3f} to {score.high:.3f}, n = {score.n}) {when}"]
    others = [each for each in alike if each.base != best.base]
    if others:
        said.append(f"as good as {', '.join(each.base for each in others)} within chance, and quicker to answer")
    worse = [each for each in placed if each not in alike]
    if worse and worse[0].behind and not others:
        gap = worse[0].behind
        said.append(f"ahead of {worse[0].base} by {gap.mean:.3f} ({gap.low:.3f} to {gap.high:.3f})")
    if best.reading and best.probe:
        said.append(f"it reads {best.reading.tokens_per_word:.2f} tokens a word and answers in")
        said[-1] += f" {best.probe.latency_ms:.0f} ms"
    license = best.facts.license if best.facts else ""
    said.append(f"its license is {license}" if license else "it names no license, so ask before you use it")
    return "; ".join(said) + "."


def _place(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def _apart(base: str, rows: Rows) -> Candidate | HomeostatError:
    """Try a base in a process of its own, so that its memory is its own, and what kills it kills nothing else."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["homeostat.train.run"])
    said, end = context.Pipe(duplex=False)
    process = context.Process(target=_process, args=(base, rows, end), daemon=True)
    process.start()
    end.close()
    try:
        found: Candidate | HomeostatError = said.recv()
    except EOFError:
        process.join()
        return Candidate(base=base, failed=f"its process ended with {process.exitcode}: too little memory?")
    finally:
        if process.is_alive():
            process.join(timeout=5)
            process.terminate()
    return found


def _process(base: str, rows: Rows, end: Any) -> None:
    """What the process does."""
    try:
        end.send(tried(base, rows))
    except HomeostatError as problem:
        end.send(problem)


def tried(base: str, rows: Rows) -> Candidate:
    """One base, in this process. Raises as `homeostat.train.run.train`."""
    opened = open_model(base)
    about = facts(base, opened)
    texts = list(dict.fromkeys(row.text for row in (*rows.exam, *rows.learn)))[:READ]
    reading = read(opened.tokenizer, texts)
    del opened
    with tempfile.TemporaryDirectory() as folder:
        made = probe(base, rows, Path(folder))
    return Candidate(
        base=base,
        facts=about,
        reading=reading,
        probe=made,
        before=mean_interval(made.before),
        after=mean_interval(made.after) if made.after else None,
    )
