"""What the built-in suites of texts say of bare bases, and that of strangers of a head.

    python bench/texts.py [--quick] [--models ../shared/models] [--only builtin stories260K] [--every 1] [--seed 3]

Each base is asked every case of `injection`, `jailbreak` and `negation`, as it is and greedily, for replies of up to
TOKENS tokens: the share that is right with its 95 % interval, in which a family counts as one, of the whole and of
each half (work with one right answer and open work; what is to be refused and what answered; no and yes). `alike` is
the share of replies that are among the five most frequent ones: a model that says the same to all tells nothing.

A head (`bench/suites.py`) is asked `out-of-scope` of labels. It abstains below the confidence below which one in
twenty of 300 other rows of the traffic lie; `met` is the share of strangers that get `other` so, `auc` that of pairs
of a stranger and such a row in which the row is the surer.

`value` is the share of strangers of the first base that are met; no bar hangs on it (`goal` 0). Nothing was chosen on
these cases, for they were written before any model saw them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from suites import ASKED_AT_ONCE, TASK, TAUGHT, TESTED, learned, note, rows

from homeostat.evaluate.suites.ask import Question, questions, wanted, worth
from homeostat.evaluate.suites.shipped import shipped
from homeostat.llm.backend import Reply, Request
from homeostat.llm.local import LocalBackend
from homeostat.stats import clustered
from homeostat.types.task import Kind, Task

TEXTS = Task(name="desk", kind=Kind.TEXT)
SUITES = ("injection", "jailbreak", "negation")
TOKENS, OFTEN = 24, 5
ABSTAINS = 0.05


def asked(backend: LocalBackend, name: str, every: int) -> dict[str, Any]:
    """What a bare base gets on a suite of texts."""
    started, found = time.perf_counter(), questions(shipped(name, TEXTS))[::every]
    replies = {text: one.text for text, one in said(backend, TEXTS, "", wanted(found)).items()}
    values = [worth(one, replies) for one in found]
    halves: dict[str, list[int]] = {"all": list(range(len(found)))}
    for place, one in enumerate(found):
        halves.setdefault(half(one), []).append(place)
    common = sum(count for _, count in Counter(replies.values()).most_common(OFTEN))
    return {
        "right": {name: score(found, values, places) for name, places in halves.items()},
        "families": len(np.unique(clustered.clusters_of([one.family for one in found]))),
        "alike": round(common / len(replies), 3),
        "seconds": round(time.perf_counter() - started, 1),
    }


def half(question: Question) -> str:
    """Which half of its suite a case is of."""
    if question.check == "matches" and question.expect.endswith((r"no\b", r"yes\b")) and "^" in question.expect:
        return "no" if question.expect.endswith(r"no\b") else "yes"
    return {"matches": "one right answer", "lacks": "open work"}.get(question.check, question.check)


def score(found: Sequence[Question], values: Sequence[float], places: Sequence[int]) -> list[float]:
    """Percent that is right with its interval, and the number of cases."""
    clusters = clustered.clusters_of([found[place].family for place in places])
    mean = clustered.mean([values[place] for place in places], clusters)
    return [*(round(100 * one, 1) for one in (mean.mean, mean.low, mean.high)), mean.n]


def strangers(name: str, base: str, seed: int, taught: int, tested: int) -> dict[str, Any]:
    """How many of those who are for no desk a head meets as such, where it abstains on one in twenty of its own."""
    lesson, own = rows(seed, taught, tested)
    foreign = [case.text for case in shipped("out-of-scope", TASK, "other").cases]
    with tempfile.TemporaryDirectory() as folder:
        backend, version = learned(name, base, lesson, 1, Path(folder))
        mine = np.array([one.confidence for one in said(backend, TASK, version, [case.text for case in own]).values()])
        theirs = np.array([one.confidence for one in said(backend, TASK, version, foreign).values()])
    return unsure(mine, theirs)


def unsure(mine: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    """By confidence float[rows] of own rows and of strangers: how many strangers are met, and how well both part."""
    threshold = float(np.quantile(mine, ABSTAINS))
    met = clustered.mean((theirs < threshold).astype(np.float64))
    auc = float(np.mean((mine[:, None] > theirs) + 0.5 * (mine[:, None] == theirs)))
    shares = [round(100 * one, 1) for one in (met.mean, met.low, met.high)]
    return {"met": [*shares, met.n], "below": round(threshold, 3), "auc": round(auc, 3)}


def said(backend: LocalBackend, task: Task, version: str, texts: Sequence[str]) -> dict[str, Reply]:
    """Text -> reply."""
    found: dict[str, Reply] = {}
    for first in range(0, len(texts), ASKED_AT_ONCE):
        some = texts[first : first + ASKED_AT_ONCE]
        asks = [Request(task=task, text=text, version=version, max_tokens=TOKENS) for text in some]
        found.update(zip(some, backend.reply(asks), strict=True))
    return found


def main() -> int:
    """Ask, print one line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--models", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "models")
    parser.add_argument("--only", nargs="+", default=["builtin", "stories260K"])
    parser.add_argument("--every", type=int, default=1, help="Ask every so many of a suite's cases, for a quick look.")
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()
    began, found = time.perf_counter(), dict[str, Any]()
    for name in args.only:
        base = str(args.models / name / "hf") if name == "stories260K" else "builtin"
        backend = LocalBackend(base)
        found[name] = {suite: asked(backend, suite, 41 if args.quick else args.every) for suite in SUITES}
        found[name]["out-of-scope"] = strangers(name, base, args.seed, *((300, 40) if args.quick else (TAUGHT, TESTED)))
        note(json.dumps({name: found[name]}))
    value, low, high, n = found[args.only[0]]["out-of-scope"]["met"]
    line = {"bar": "texts", "value": value, "interval": [low, high], "n": n, "goal": 0, "met": True}
    print(json.dumps(line | {"seconds": round(time.perf_counter() - began, 1), "models": found}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
