"""How right features of an interaction are that nobody has told: language, toxicity, margin, perplexity of a request.

    python bench/features.py [--quick] [--data ../shared/data]

- language: sentences of SIB-200 (test rows; lists and thresholds were chosen on others) in 33 languages that are known
  and 7 that are not, whole and cut to 3, 5 and 8 words: how many are told a language, how many of those the right one,
  and how many of the unknown ones are told any. And English requests of HWU64: told as English, and as anything else.
- toxicity: every second comment of a set of Wikipedia's (the others served to write the lexicon): how many of the toxic
  and of the other ones are told toxic, and the area under the curve of the count, with its 95 % interval. And sentences
  that name groups of people and are not toxic: how many of those are told so.
- margin: a ridge head on HWU64 told half of the rows; of the others, how far the margin that is read off confidence and
  entropy is from the true one, on average and in rank correlation.
- request_perplexity: pairs of windows of 400 requests of HWU64, a tenth of the second with slips of the keyboard: how
  often Kolmogorov-Smirnov is at most 0.05, beside the rarity of words.
- named: 1,000 requests of HWU64, then 400 of which a fifth are in another language that is written in Latin letters:
  how often that language is the slice named first, and how often any language is called certain where none came.

Prints one JSON line. `value` is the share of whole sentences told that are told rightly, `interval` its exact 95 %
interval, the goal 95 %, met by the lower end.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import lzma
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from homeostat.evaluate.suites.disturb import typos
from homeostat.llm.features import grams
from homeostat.metrics.toxic import toxicity
from homeostat.monitor.catalogue import FEATURES
from homeostat.monitor.features.language import language_of
from homeostat.monitor.features.record import margins
from homeostat.monitor.naming.candidates import Kind
from homeostat.monitor.naming.name import Moved, look
from homeostat.stats.intervals import proportion
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.interaction import Interaction

GOAL = 0.95
CODES = {
    "amh": "am", "arb": "ar", "ben": "bn", "deu": "de", "eng": "en", "fin": "fi", "fra": "fr", "hau": "ha", "hin": "hi",
    "ibo": "ig", "ind": "id", "ita": "it", "jpn": "ja", "kaz": "kk", "kin": "rw", "kor": "ko", "mlt": "mt", "nld": "nl",
    "pol": "pl", "por": "pt", "rus": "ru", "som": "so", "spa": "es", "swh": "sw", "tam": "ta", "tur": "tr", "ukr": "uk",
    "urd": "ur", "vie": "vi", "xho": "xh", "yor": "yo", "zho": "zh", "zul": "zu",
}  # fmt: skip
"""What SIB-200 calls a language -> what we call it; the others it has are none that are known."""
WORDS = (3, 5, 8, 0)
COLUMNS, ROWS, SLIPS, SHARP = 2048, 400, 0.1, 8.0
BEFORE, SINCE, FOREIGN = 1_000, 400, 0.2


def share(values: Iterable[bool]) -> list[float]:
    """A share with its exact 95 % interval, and of how many."""
    known = list(values)
    found = proportion(sum(known), len(known))
    return [round(found.mean, 4), round(found.low, 4), round(found.high, 4), len(known)]


def lines(file: Path) -> list[dict[str, Any]]:
    """Rows of a packed file of JSON lines."""
    unpacked = lzma.open(file, "rt", encoding="utf-8") if file.suffix == ".xz" else gzip.open(file, "rt")  # noqa: SIM115
    with unpacked as found:
        return [json.loads(line) for line in found]


def told(rows: Sequence[dict[str, Any]], words: int, seed: int = 0) -> dict[str, list[float]]:
    """Of so many words in a row of each text (0: all of them), what is told."""
    rng = np.random.default_rng([seed, words])
    found: list[tuple[str, str]] = []
    for row in rows:
        said = row["text"].split()
        at = int(rng.integers(0, len(said) - words + 1)) if 0 < words < len(said) else 0
        found.append((CODES.get(row["lang"][:3], ""), language_of(" ".join(said[at : at + words] if words else said))))
    known = [(true, one) for true, one in found if true]
    return {
        "told": share(bool(one) for _, one in known),
        "right_of_told": share(true == one for true, one in known if one),
        "unknown_told": share(bool(one) for true, one in found if not true),
    }


def english(texts: Sequence[str]) -> dict[str, list[float]]:
    """What is told of English requests."""
    found = [language_of(text) for text in texts]
    return {"told": share(one == "en" for one in found), "told_another": share(one not in ("en", "") for one in found)}


def insults(folder: Path) -> dict[str, list[float]]:
    """What the lexicon tells of comments that people have judged, and of sentences that name groups of people."""
    with lzma.open(folder / "toxicity_nonfuzzed_testset.csv.xz", "rt", encoding="utf-8") as found:
        rows = list(csv.DictReader(found))[1::2]
    counts = [(toxicity(row["comment"]), row["toxic"] == "True") for row in rows]
    toxic, other = (np.array([n for n, one in counts if one is which]) for which in (True, False))
    calm = [row for row in lines(folder / "identity_templates_en_12k.jsonl.xz") if row["toxicity"] == "nontoxic"]
    return {
        "toxic_told": share(n > 0 for n in toxic),
        "others_told": share(n > 0 for n in other),
        "area": area(toxic, other),
        "groups_told": share(toxicity(row["phrase"]) > 0 for row in calm),
    }


def area(higher: NDArray[np.int_], lower: NDArray[np.int_]) -> list[float]:
    """Share of pairs in the right order, ties half, with its 95 % interval (DeLong et al. 1988)."""
    above = (higher[:, None] > lower) + 0.5 * (higher[:, None] == lower)
    error = np.sqrt(above.mean(1).var(ddof=1) / len(higher) + above.mean(0).var(ddof=1) / len(lower))
    mean = float(above.mean())
    return [round(mean, 4), round(mean - 1.96 * error, 4), round(mean + 1.96 * error, 4), len(higher) + len(lower)]


def margin(rows: Sequence[dict[str, Any]], seed: int = 0) -> dict[str, float]:
    """How far the margin is off that confidence and entropy tell."""
    order = np.random.default_rng(seed).permutation(len(rows))
    half = [rows[k] for k in order[: len(rows) // 2]], [rows[k] for k in order[len(rows) // 2 :]]
    head = RidgeHead(COLUMNS, ridge=1.0)
    head.add(grams([row["text"] for row in half[0]], COLUMNS), [row["intent"] for row in half[0]])
    p = special.softmax(SHARP * grams([row["text"] for row in half[1]], COLUMNS) @ head.weights(), axis=1)
    second, first = np.partition(p, -2, axis=1)[:, -2:].T
    said = margins(first, special.entr(p).sum(axis=1))
    off = np.abs(said - (first - second))
    return {
        "off": round(float(off.mean()), 4),
        "rank_correlation": round(float(stats.spearmanr(said, first - second).statistic), 4),
        "by_confidence": round(float(stats.spearmanr(first, first - second).statistic), 4),
        "n": len(off),
    }


def slips(texts: Sequence[str], pairs: int) -> dict[str, list[float]]:
    """How often each feature sees a tenth of requests with slips of the keyboard."""
    seen: dict[str, list[bool]] = {"request_perplexity": [], "rarity": [], "nothing_moved": []}
    for seed in range(pairs):
        rng = np.random.default_rng([seed, 5])
        chosen = [texts[k] for k in rng.permutation(len(texts))[: 3 * ROWS]]
        known, before, after = (chosen[k * ROWS : (k + 1) * ROWS] for k in range(3))
        bad = [typos(text, rng) if k < SLIPS * ROWS else text for k, text in enumerate(after)]
        for name, now in (("request_perplexity", bad), ("rarity", bad), ("nothing_moved", after)):
            feature = FEATURES.get("request_perplexity" if name == "nothing_moved" else name)
            values = [feature.of(asked(window), asked(known)) for window in (before, now)]
            seen[name].append(float(stats.ks_2samp(*values).pvalue) <= 0.05)
    return {name: share(found) for name, found in seen.items()}


def named(texts: Sequence[str], sentences: Sequence[dict[str, Any]], draws: int) -> dict[str, list[float]]:
    """How often a language that came is the slice named first, and any is called certain where none came."""
    latin = [row for row in sentences if row["lang"].endswith("_Latn") and CODES.get(row["lang"][:3], "en") != "en"]
    foreign = {CODES[row["lang"][:3]]: [r["text"] for r in latin if r["lang"] == row["lang"]] for row in latin}
    first, calm = list[bool](), list[bool]()
    for draw in range(draws):
        rng = np.random.default_rng([draw, 7])
        code = sorted(foreign)[draw % len(foreign)]
        rows = asked([texts[k] for k in rng.permutation(len(texts))[: BEFORE + SINCE]])
        moved = [k >= BEFORE and rng.random() < FOREIGN for k in range(len(rows))]
        others = [replace(r, text=str(rng.choice(foreign[code]))) if k else r for r, k in zip(rows, moved, strict=True)]
        for some, found in ((others, first), (rows, calm)):
            ranked = look(Moved(before=some[:BEFORE], since=some[BEFORE:], alarm=0.0, seed=draw)).ranked
            if some is others:
                found.append(ranked[0].candidate.name == f"language={code}")
            else:
                found.append(any(one.sure and one.candidate.kind is Kind.LANGUAGE for one in ranked))
    return {"first": share(first), "where_none_came": share(calm)}


def asked(texts: Sequence[str]) -> list[Interaction]:
    """Rows of which nothing but the text is known."""
    return [
        Interaction(id=f"int_{k}", task="t", time=1.0 + k, text=t, reply="", version="") for k, t in enumerate(texts)
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the sentences, twenty pairs of windows")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="where the public sets lie")
    args = parser.parse_args()
    began = time.perf_counter()
    sentences = [row for row in lines(args.data / "sib200" / "sib200_40langs.jsonl.xz") if row["split"] == "test"]
    by_words = {str(n or "all"): told(sentences[:: 4 if args.quick else 1], n) for n in WORDS}
    requests = lines(args.data / "hwu64" / "hwu64_kfold1.jsonl.gz")
    texts = [row["text"] for row in requests]
    value = by_words["all"]["right_of_told"]
    print(
        json.dumps(
            {
                "bar": "features.language",
                "value": value[0],
                "interval": value[1:3],
                "n": value[3],
                "goal": GOAL,
                "met": value[1] >= GOAL,
                "words": by_words,
                "english": english(texts),
                "toxicity": insults(args.data / "toxicity_wikipedia"),
                "margin": margin(requests),
                "named": named(texts, sentences, 9 if args.quick else 88),
                "slips": slips(texts, 20 if args.quick else 200),
                "seconds": round(time.perf_counter() - began, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
