"""The bar of naming: is the slice that is ranked first the one that was made to move?

    python bench/watch_3.py [--quick] [--runs 46] [--causes A,B] [--streams ../shared/data/streams] [--languages FILE]

Each run draws traffic from real requests (CLINC150, HWU64, the built-in support desk), answers it with a head that
was taught four fifths of the intents, and gives it to the `Watcher` of production at its defaults: 500 requests to
calibrate on, 1,000 more of the same, then one change with a known cause. After the alarm, and once 300 requests have
followed the change as the alarm puts it, `monitor.naming` ranks every slice, as the worker does. Causes:

- `tag`: one segment, a fifth of the traffic, begins to ask about all the intents that the head was not taught;
- `topic`: a fifth of the traffic is about one such intent;
- `language`: a fifth is written in another script (SIB-200; left out without the file);
- `tongue`: a fifth is in another language that is written in Latin letters;
- `length`: a fifth are messages that hold three requests at once;
- `latency`: a fifth of the replies take 10 to 30 times as long and are less sure, whatever was asked;
- `refusal`: a fifth of the requests are refused, in one of six ways, less surely;
- `upstream`: another model of the provider answers 30 % of the requests, and is less sure;
- `judge`: one of two judges who rate the replies is milder, harsher or another one, as in `judged.py`, on the built-in
  desk; it must be the one that the first signal names, within 4,500 replies of which a tenth is labeled;
- `none`: nothing changes; the alarm is a false one, made likely by a threshold of 1,000.

Every reply takes some time, whatever the cause. Right is, of a topic, a group of requests most of whose rows since the
change are of the seeded intent; else the slice by its name. Segments, channels, models and latencies are dealt by lot,
for these streams have none.

`value` is the share of alarms whose first slice is right, with its exact interval; `of_all` the same of all runs, where
a change that raised no alarm within 1,500 requests counts as wrong. `sure` says how often the first slice is called
certain, and `right_of_sure` how often it is right then. `named` is the share of false alarms at which any slice was
called certain, which at this first look may be a twentieth (half of what all looks may spend); `within` how often the
change lies in the stretch that it is put in; both, and `sure`, are of requests and not of judges. The bar: 90 % of 200
alarms or more, `named` at most 10 %. A run of some causes alone (`--causes`; `none` and `judge` are two of them) is
never met.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from features import CODES
from judged import World, world
from judged import run as judged

from homeostat.builtin.resources import traffic_path
from homeostat.config.schema import Monitor
from homeostat.llm.features import grams
from homeostat.loop.backtests.backtest import replies_of
from homeostat.monitor.naming.candidates import Kind, script
from homeostat.monitor.naming.name import LOOKS, Looked, Moved, change, look
from homeostat.monitor.watch import Watcher
from homeostat.stats.intervals import proportion
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.interaction import Interaction
from homeostat.types.signal import Signal

GOAL, FALSE, LEAST = 0.9, 0.1, 200
CAUSES = ("tag", "topic", "language", "tongue", "length", "upstream", "latency", "refusal")
NONE = "none"
LESS_SURE = ("upstream", "latency", "refusal")
REFUSED = (
    "I'm sorry, but I can't help with that.",
    "I cannot answer this request.",
    "As an AI, I am not able to say.",
    "I won't do that, I must decline.",
    "Unfortunately, I can not tell you.",
    "I am unable to help here.",
)
TOOK_MS, SPREAD, SLOWER = 40.0, 0.5, (10.0, 30.0)
"""Median of a latency, the spread of its logarithm, and how many times as long a slow reply takes."""
TONGUES, TEXTS = ("deu", "fra", "spa", "por", "ita", "nld"), 150
JUDGE, CHANGED = "judge", ("mild", "harsh", "prompt")
CALIBRATION, BEFORE, AFTER, BATCH = 500, 1_000, 1_500, 50
INDEX, TAUGHT, HIDDEN, LEAST_OF_INTENT = 1_000, 6_000, 64, 60
SHARE, ANSWERED = 0.2, 0.3
SEGMENTS, CHANNELS = ("home", "business", "school", "bank", "shop"), ("web", "mail", "app")


@dataclass(frozen=True, slots=True)
class Desk:
    """Requests of one stream and what a head makes of them."""

    name: str
    known: Sequence[Interaction]
    unknown: dict[str, Sequence[Interaction]]
    """Intent -> requests that the head was taught nothing of."""
    foreign: dict[str, Sequence[Interaction]]
    """Script -> requests written in it; of Latin letters, language -> requests in it."""
    long: Sequence[Interaction]
    """Three known requests in one."""
    index: np.ndarray
    """float32[rows, hidden]: what distances are measured to."""


def desk(
    name: str, rows: Sequence[dict[str, Any]], foreign: dict[str, Sequence[str]], seed: int, columns: int = 2048
) -> Desk:
    """Keep a fifth of the intents back, teach a head the others, and record what it makes of the rest."""
    rng = np.random.default_rng(seed)
    intents = defaultdict[str, list[str]](list)
    for row in (rows[k] for k in rng.permutation(len(rows))):
        intents[row["label"]].append(row["text"])
    names = [intent for intent in sorted(intents) if len(intents[intent]) >= LEAST_OF_INTENT]
    kept = {names[k] for k in rng.permutation(len(names))[: max(2, len(names) // 5)]}
    rest = [(text, intent) for intent in sorted(intents) if intent not in kept for text in intents[intent]]
    rest = [rest[k] for k in rng.permutation(len(rest))]
    cut = min(TAUGHT, len(rest) * 2 // 3)
    teacher, asked = _Teacher(rest[:cut], columns), [text for text, _ in rest[cut : cut + 4_000]]
    threes = [" . ".join(asked[k] for k in rng.integers(0, len(asked), 3)) for _ in range(600)]
    return Desk(
        name=name,
        known=teacher.answered(asked),
        unknown={intent: teacher.answered(intents[intent][:800]) for intent in sorted(kept)},
        foreign={script: teacher.answered(texts) for script, texts in foreign.items()},
        long=teacher.answered(threes),
        index=teacher.embedded(grams([text for text, _ in rest[:INDEX]], columns)).astype(np.float32),
    )


class _Teacher:
    """A ridge head on hashed n-grams; embeddings are their directions that vary most, as fitted on what was taught."""

    def __init__(self, taught: Sequence[tuple[str, str]], columns: int) -> None:
        self._columns = columns
        features = grams([text for text, _ in taught], columns)
        self._head = RidgeHead(columns, ridge=1.0)
        self._head.add(features, [intent for _, intent in taught])
        _, turn = np.linalg.eigh(features.T @ features)
        self._turn = turn[:, ::-1][:, :HIDDEN]

    def embedded(self, features: np.ndarray) -> np.ndarray:
        return features @ self._turn

    def answered(self, texts: Sequence[str]) -> list[Interaction]:
        features = grams(texts, self._columns)
        told, sure = replies_of(self._head, features)
        points = self.embedded(features).astype(np.float16)
        return [
            Interaction(
                id="",
                task="t",
                time=0.0,
                text=text,
                reply=reply,
                version="ver_1",
                confidence=float(p),
                embedding=point.tobytes(),
            )
            for text, reply, p, point in zip(texts, told, sure, points, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Tried:
    """One run; of a run without an alarm nothing but the first three."""

    desk: str
    cause: str
    alarmed: bool
    right: bool = False
    sure: bool = False
    """Whether the first slice is called certain."""
    named: bool = False
    """Whether any slice is called certain at the first look."""
    within: bool = False
    """Whether the change lies in the stretch that it is put in."""
    late: int = 0
    """Requests by which it is put too late."""


def tried(of: Desk, cause: str, seed: int) -> Tried:
    """Draw a stream, watch it, and name what moved."""
    rng = np.random.default_rng([seed, 3])
    seeded, rows = stream(of, cause, rng)
    signal, seen_until = alarm(of, rows, cause, seed)
    if signal is None:
        return Tried(of.name, cause, alarmed=False)
    first, onset = int(signal.since), CALIBRATION + BEFORE
    until = min(len(rows), max(first + LOOKS[0], seen_until))
    moved = Moved(before=rows[:first], since=rows[first:until], alarm=signal.time, slice=signal.slice, seed=seed)
    seen = look(moved)
    guess, low, high = change(moved, seen.known)
    return Tried(
        desk=of.name,
        cause=cause,
        alarmed=True,
        right=right(seen, cause, seeded),
        sure=seen.ranked[0].sure,
        named=any(one.sure for one in seen.ranked),
        within=low <= onset <= high,
        late=int(guess) - onset,
    )


def of_judges(of: World, seed: int) -> Tried:
    """One judge changes and another does not, each of them heard as the worker hears them."""
    changed = judged(of, CHANGED[seed % len(CHANGED)], np.random.default_rng([seed, 31]))
    other = judged(of, "calm", np.random.default_rng([seed, 32]))
    blamed = changed.false or other.false
    return Tried("builtin", JUDGE, alarmed=changed.delay is not None or blamed, right=not blamed)


def alarm(of: Desk, rows: Sequence[Interaction], cause: str, seed: int) -> tuple[Signal | None, int]:
    """The first alarm after the change, or any where nothing changes, and how many rows had been seen by then."""
    threshold = 1_000 if cause == NONE else Monitor().false_alarm_every
    watcher = Watcher.start(
        "t", of.index, (), Monitor(min_reference=CALIBRATION, false_alarm_every=threshold, seed=seed)
    )
    for at in range(0, len(rows), BATCH):
        signals = [one for one in watcher.update(rows[at : at + BATCH]) if one.retrains]
        if signals and at >= (CALIBRATION + 300 if cause == NONE else CALIBRATION + BEFORE):
            return signals[0], at + BATCH
    return None, len(rows)


def stream(of: Desk, cause: str, rng: np.random.Generator) -> tuple[str, list[Interaction]]:
    """What the right slice is called, and the rows; `episode` marks those that the change brought."""
    segment, intent = str(rng.choice(SEGMENTS)), str(rng.choice(sorted(of.unknown)))
    scripts_of = [name for name in sorted(of.foreign) if name not in CODES.values()]
    foreign = str(rng.choice(scripts_of)) if of.foreign else ""
    (lots,) = rng.spawn(1)  # latencies are drawn apart, so that everything else is as it was without them
    tongue = str(lots.choice(sorted(set(of.foreign) - set(scripts_of)))) if of.foreign else ""
    sources: dict[str, Sequence[Interaction]] = {
        "tag": [row for name in sorted(of.unknown) for row in of.unknown[name]],
        "topic": of.unknown[intent],
        "language": of.foreign.get(foreign, ()),
        "tongue": of.foreign.get(tongue, ()),
        "length": of.long,
    }
    names = {"tag": f"segment={segment}", "topic": intent, "language": f"script={foreign}", "upstream": "upstream=b"}
    names |= {"tongue": f"language={tongue}", "refusal": "replies that refuse"}
    out = []
    for at in range(CALIBRATION + BEFORE + AFTER):
        row = of.known[rng.integers(len(of.known))]
        tags = {"segment": str(rng.choice(SEGMENTS)), "channel": str(rng.choice(CHANNELS)), "upstream": "a"}
        hit = (
            tags["segment"] == segment
            if cause == "tag"
            else rng.random() < (ANSWERED if cause == "upstream" else SHARE)
        )
        took = TOOK_MS * float(np.exp(SPREAD * lots.normal()))
        if at < CALIBRATION + BEFORE or cause == NONE or not hit:
            cause_of = ""
        elif cause in LESS_SURE:
            tags["upstream"], cause_of = "b" if cause == "upstream" else "a", cause
            row = replace(row, confidence=row.confidence * rng.uniform(0.3, 0.9))
            took *= float(lots.uniform(*SLOWER)) if cause == "latency" else 1.0
            row = replace(row, reply=str(lots.choice(REFUSED))) if cause == "refusal" else row
        else:
            row, cause_of = sources[cause][rng.integers(len(sources[cause]))], cause
        out.append(replace(row, id=f"int_{at:06d}", time=float(at), tags=tags, episode=cause_of, latency_ms=took))
    return names.get(cause, ""), out


def right(seen: Looked, cause: str, seeded: str) -> bool:
    """Whether the first slice is what was made to move."""
    top = seen.ranked[0].candidate
    if cause == "topic":
        inside = [
            row.episode == cause for row, k in zip(seen.rows, top.members & seen.windows.current, strict=True) if k
        ]
        return top.kind is Kind.TOPIC and sum(inside) > len(inside) / 2
    if cause in ("length", "latency"):
        return top.kind is Kind(cause) and top.name.endswith("or more")
    return top.name == seeded


def rows_of(file: Path) -> list[dict[str, Any]]:
    """Texts with their labels, of the built-in traffic those from before anything moves."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    calm = [row for row in rows if file != traffic_path() or row["truth"]["phase"] == 0]
    return [{"text": row["text"], "label": row["label"]} for row in calm]


def scripts(file: Path) -> dict[str, list[str]]:
    """Script -> texts of SIB-200 that are not in Latin letters."""
    found = defaultdict[str, list[str]](list)
    if file.exists():
        with lzma.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if row["split"] == "train" and row["lang"][-4:] != "Latn" and len(found[row["lang"]]) < 300:
                    found[row["lang"]].append(row["text"])
    named = {script(" ".join(texts[:20])): texts for texts in found.values()}
    return {name: named[name] for name in sorted(named)}


def tongues(file: Path) -> dict[str, list[str]]:
    """Language -> texts of SIB-200 in it, of some that are written in Latin letters."""
    found = defaultdict[str, list[str]](list)
    if file.exists():
        with lzma.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                code = row["lang"][:3]
                if row["split"] == "train" and code in TONGUES and len(found[CODES[code]]) < TEXTS:
                    found[CODES[code]].append(row["text"])
    return dict(found)


def desks(streams: Path, languages: Path, variants: int) -> list[Desk]:
    """Every stream that is there, so many times, each time with other intents kept back."""
    files = {"clinc150": streams / "clinc150_domains.jsonl.gz", "hwu64": streams / "hwu64_scenarios.jsonl.gz"}
    files = {"builtin": traffic_path(), **{name: file for name, file in files.items() if file.exists()}}
    foreign = scripts(languages) | tongues(languages)
    read = {name: rows_of(file) for name, file in files.items()}
    return [desk(name, rows, foreign, variant) for variant in range(variants) for name, rows in read.items()]


def share(values: Iterable[bool]) -> list[float]:
    """A share with its exact interval, and of how many; empty of none."""
    known = list(values)
    if not known:
        return []
    found = proportion(sum(known), len(known))
    return [round(found.mean, 4), round(found.low, 4), round(found.high, 4), len(known)]


def summary(found: Sequence[Tried], seconds: float, *, quick: bool) -> dict[str, Any]:
    """The bar's line; of some causes alone it is never met."""
    runs, calm = ([one for one in found if (one.cause == NONE) is none] for none in (False, True))
    whole = {one.cause for one in found} >= {*CAUSES, JUDGE, NONE}
    alarms, false = ([one for one in some if one.alarmed] for some in (runs, calm))
    value, named = share(one.right for one in alarms), share(one.named for one in false)
    groups = {name: [one for one in runs if name in (one.cause, one.desk)] for name in (*CAUSES, JUDGE, *_names(runs))}
    of_requests = [one for one in alarms if one.cause != JUDGE]
    return {
        "bar": "watch.3",
        "value": value[0],
        "interval": value[1:3],
        "n": len(alarms),
        "goal": GOAL,
        "met": bool(whole and value[0] >= GOAL and named[0] <= FALSE and (quick or len(alarms) >= LEAST)),
        "seconds": round(seconds, 1),
        "quick": quick,
        "of_all": share(one.right for one in runs),
        "named": named,
        "sure": share(one.sure for one in of_requests),
        "right_of_sure": share(one.right for one in of_requests if one.sure),
        "within": share(one.within for one in of_requests),
        "late": [int(x) for x in np.quantile([one.late for one in of_requests], [0.05, 0.25, 0.5, 0.75, 0.95])],
        "by": {
            name: {"right": share(one.right for one in some if one.alarmed), "alarmed": share(o.alarmed for o in some)}
            for name, some in groups.items()
            if some
        },
    }


def _names(runs: Iterable[Tried]) -> list[str]:
    return sorted({one.desk for one in runs})


def every(of: Sequence[Desk], runs: int, calm: int, asked: Sequence[str]) -> Iterator[Tried]:
    """So many runs of each cause that is asked for, the desks in turn, and so many without one."""
    causes = [cause for cause in (*CAUSES, NONE) if cause in asked]
    causes = [cause for cause in causes if cause not in ("language", "tongue") or of[0].foreign]
    for cause in causes:
        n = calm if cause == NONE else runs
        for k in range(n):
            yield tried(of[k % len(of)], cause, k)
        print(f"{cause}: {n} runs", file=sys.stderr, flush=True)
    if JUDGE in asked:
        rated = world()
        yield from (of_judges(rated, k) for k in range(runs))


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="six runs of each cause, twenty without one")
    parser.add_argument("--runs", type=int, default=46, help="of each cause")
    parser.add_argument("--causes", default=",".join((*CAUSES, NONE, JUDGE)), help="which ones, with commas")
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"), help="where the streams lie")
    languages = Path("../shared/data/sib200/sib200_40langs.jsonl.xz")
    parser.add_argument("--languages", type=Path, default=languages, help="SIB-200 as JSON lines")
    args = parser.parse_args()
    began = time.perf_counter()
    of = desks(args.streams, args.languages, 1 if args.quick else 3)
    found = list(every(of, 6 if args.quick else args.runs, 20 if args.quick else 120, args.causes.split(",")))
    print(json.dumps(summary(found, time.perf_counter() - began, quick=args.quick)))


if __name__ == "__main__":
    main()
