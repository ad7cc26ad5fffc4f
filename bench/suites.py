"""What the built-in suites of long input and of other languages say of small models that were made for the built-in
traffic.

    python bench/suites.py [--quick] [--models ../shared/models] [--only builtin stories260K adapter] [--seed 3]

A head (`head`) learns TAUGHT of the 2,000 history rows of the built-in traffic, on the built-in model and on
stories260K; `adapter` is the built-in model fine-tuned (`first`, LoRA) on the same rows. Each is asked TESTED other
rows of the same months as they are and under every disturbance of `long-input` and `other-language`, and the cases
of the four suites `sample-…`, which ask the same 58 things in four languages. By part: how many are right, with the
exact 95 % interval, and how many fewer than plain (or than in English), paired.

`value` is the mean loss in points over the three languages against the same requests in English, of the first model
that was asked, paired by what is asked; its interval is over the 58 things. `unread` is the share of rows of which
the model gets no word of the request under `buried_4000`, by the renderer that serving uses. No bar hangs on it:
`goal` is 0, `met` whether the loss is shown. Nothing was chosen on these rows.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import Split, read_stream
from homeostat.config.schema import Train
from homeostat.evaluate.suites.ask import questions, wanted, worst, worth
from homeostat.evaluate.suites.shipped import shipped
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.loop.making.learn import carried_out
from homeostat.stats import clustered
from homeostat.train.named import named
from homeostat.train.run import Order, Start
from homeostat.types.dataset import Example
from homeostat.types.suite import Case
from homeostat.types.task import Task
from homeostat.types.version import Version

TASK = Task(name="routing", instruction="route")
TAUGHT, TESTED = 1_000, 300
LANGUAGES = ("german", "french", "spanish")
SUITES = ("long-input", "other-language", *(f"sample-{language}" for language in ("english", *LANGUAGES)))
ASKED_AT_ONCE = 50
Values = dict[int, float]
"""Case -> what the reply is worth."""


def rows(seed: int, taught: int, tested: int) -> tuple[list[Example], list[Case]]:
    """Rows to learn, and others to be asked, by lot."""
    stream, _ = read_stream(traffic_path(), needed=())
    history = [row for row in stream if row.split is Split.HISTORY]
    mixed = [history[k] for k in np.random.default_rng([seed, 51]).permutation(len(history))]
    lesson = [Example(text=row.text, target=row.label, task=TASK.name) for row in mixed[:taught]]
    return lesson, [Case(text=row.text, expect=row.label) for row in mixed[taught : taught + tested]]


def learned(name: str, base: str, lesson: Sequence[Example], epochs: int, folder: Path) -> tuple[LocalBackend, str]:
    """A backend that holds what was trained."""
    labels = tuple(sorted({row.target for row in lesson}))
    recipe = named("head", Train()) if name != "adapter" else replace(named("first", Train()), epochs=epochs, looks=1)
    made = carried_out(
        Order(task=TASK, start=Start(base=base), examples=list(lesson), labels=labels, recipe=recipe, folder=folder)
    )
    backend = LocalBackend(base)
    version = Version(
        id="ver_bench", task=TASK.name, time=0.0, base=base, kind=made.kind, labels=labels, prior=made.prior
    )
    backend.load(version, made.weights)
    return backend, version.id


def asked(backend: LocalBackend, version: str, tested: Sequence[Case]) -> dict[str, Values]:
    """Part -> what every case of it is worth; `plain` are the rows as they are."""
    found: dict[str, Values] = {}
    plain = said(backend, version, [case.text for case in tested])
    found["plain"] = {k: float(plain[case.text] == case.expect) for k, case in enumerate(tested)}
    for name in SUITES:
        all_of = questions(suite := shipped(name, TASK), tested if shipped(name, TASK).test_rows else ())
        replies = said(backend, version, wanted(all_of))
        for (part, case), value in worst(all_of, [worth(one, replies) for one in all_of]).items():
            found.setdefault(part.replace(f"suite {suite.name} under ", "").replace("suite ", ""), {})[case] = value
        note(f"{name} asked")
    return found


def said(backend: LocalBackend, version: str, texts: Sequence[str]) -> dict[str, str]:
    """Text -> reply."""
    found: dict[str, str] = {}
    for first in range(0, len(texts), ASKED_AT_ONCE):
        some = texts[first : first + ASKED_AT_ONCE]
        replies = backend.reply([Request(task=TASK, text=text, version=version) for text in some])
        found.update((text, reply.text) for text, reply in zip(some, replies, strict=True))
    return found


def unread(backend: LocalBackend, tested: Sequence[Case]) -> float:
    """Share of the rows of which no word is in the prompt that is made of them under `buried_4000`."""
    suite = shipped("long-input", TASK)
    part = [one for one in questions(suite, tested) if one.part.endswith("buried_4000")]
    renderer = backend.renderer
    kept = [renderer.tokenizer.decode(renderer.prompt(TASK, one.text)) for one in part]
    return float(np.mean([one.plain.strip()[:12] not in text for one, text in zip(part, kept, strict=True)]))


def told(found: Mapping[str, Values]) -> dict[str, Any]:
    """By part the share that is right, and how much less than plain, or than in English."""
    lines = {}
    for part, values in found.items():
        score = _score(list(values.values()))
        lines[part] = {"right": score, "n": len(values)}
        beside = found["sample-english" if part.startswith("sample-") else "plain"]
        if beside is not values:
            apart = clustered.paired([values[k] for k in values], [beside[k] for k in values], np.arange(len(values)))
            lines[part]["moved"] = [round(100 * one, 1) for one in (apart.mean, apart.low, apart.high)]
    return lines


def abroad(found: Mapping[str, Values]) -> list[float]:
    """Mean loss over the languages against English, in points, with its interval over what is asked."""
    english = found["sample-english"]
    losses = [100 * np.mean([english[k] - found[f"sample-{one}"][k] for one in LANGUAGES]) for k in english]
    score = clustered.mean(np.array(losses) / 100.0, np.arange(len(losses)))
    return [round(100 * one, 1) for one in (score.mean, score.low, score.high)]


def _score(values: Sequence[float]) -> list[float]:
    score = clustered.mean(values, np.arange(len(values)))
    return [round(100 * one, 1) for one in (score.mean, score.low, score.high)]


def note(what: str) -> None:
    """Say on standard error how far it has come."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def main() -> int:
    """Teach, ask, print one line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--models", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "models")
    parser.add_argument("--only", nargs="+", default=["builtin", "stories260K"])
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--tested", type=int, default=TESTED, help="Rows that are asked.")
    parser.add_argument("--epochs", type=int, default=3, help="Of the adapter.")
    args = parser.parse_args()
    began = time.perf_counter()
    lesson, tested = rows(args.seed, *((300, 20) if args.quick else (TAUGHT, args.tested)))
    parts, losses = {}, []
    for name in args.only:
        base = str(args.models / name / "hf") if name == "stories260K" else "builtin"
        with tempfile.TemporaryDirectory() as folder:
            backend, version = learned(name, base, lesson, args.epochs, Path(folder))
            note(f"{name} trained")
            found = asked(backend, version, tested)
            losses.append(abroad(found))
            parts[name] = {"parts": told(found), "abroad": losses[-1], "unread": round(unread(backend, tested), 3)}
            note(json.dumps({name: parts[name]}))
    value, low, high = losses[0]
    line = {"bar": "suites", "value": value, "interval": [low, high], "n": 58, "goal": 0, "met": low > 0.0}
    print(json.dumps(line | {"seconds": round(time.perf_counter() - began, 1), "models": parts}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
