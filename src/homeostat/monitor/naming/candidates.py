"""What may turn out to be the slice that moved: every tag, label, script, language, length, group of requests, two at
once, and what came of requests: how long they took, how they were answered, and when.

Each is a set of rows that is defined without knowing which window a row is from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise

import numpy as np

from homeostat.monitor.features.feature import Floats, Rows
from homeostat.monitor.features.language import language_of
from homeostat.monitor.features.record import LATENCY
from homeostat.monitor.features.reply import FORMAT, REFUSAL
from homeostat.monitor.features.text import RARITY, script_of, words_of
from homeostat.monitor.features.tone import TOXIC, TOXICITY
from homeostat.monitor.naming.clusters import Mask, groups, strange_groups
from homeostat.monitor.seasons import DAY, hours_of
from homeostat.monitor.slices import VALUES

UPSTREAM_TAG = "upstream"
"""The tag that says which model of somebody else answered, with its fingerprint where there is one."""
LENGTHS = (4, 8, 16, 32, 64, 128)
SURE = (0.0, 0.5, 0.9, 1.0)
TOOK_MS = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000)
"""Latencies at which bands begin and end."""
DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
WEEKEND = 5
"""Number of its first day in DAYS."""
BLOCK = 4
"""Hours of a part of the day."""
LEAST = 10
"""Rows of both windows together that a slice has, at least."""
LEAST_OF_TWO = 20
MOST_PAIRS = 600
"""Conjunctions that are looked at, the largest ones."""
SAME = 0.9
"""A conjunction that holds so much of one of its two slices is that slice over again."""


class Kind(StrEnum):
    """What makes a slice; the earlier, the rather it is taken where two explain a move as well."""

    UPSTREAM = "upstream"
    TAG = "tag"
    SCRIPT = "script"
    LANGUAGE = "language"
    """Every one but the commonest, which where all write in one is but the requests that are long enough to tell."""
    LENGTH = "length"
    TONE = "tone"
    TOPIC = "topic"
    FORMAT = "format"
    REFUSAL = "refusal"
    LATENCY = "latency"
    REPLY_LENGTH = "reply length"
    HOUR = "hour"
    REPLY = "reply"
    BOTH = "both"
    """Two at once, of what requests are: tags, scripts, languages, lengths, insults and groups."""
    SIGN = "sign"
    """How sure the model was, how rare the words are: by what a move is noticed, whatever its cause."""


ANSWERED = frozenset({Kind.FORMAT, Kind.REFUSAL, Kind.LATENCY, Kind.REPLY_LENGTH})
"""What came of a request: rather how a move shows than what moved."""
BESIDE = ANSWERED | {Kind.HOUR}
"""What is no property of a request itself. It explains a move only where strange requests lie in it far more often than
others of the same window do: that latencies rise for all, or that it is Monday now, moves nothing by itself.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Rows that have something in common."""

    name: str
    """`segment=business`, `16 words or more`; empty where one is made later, for those that are shown."""
    kind: Kind
    members: Mask
    """bool[rows] over both windows."""
    about: str
    """What it is a value of: two values of the same are no conjunction."""
    parts: tuple[Candidate, ...] = ()
    """Of a conjunction, the two."""
    strange: bool = False
    """Of a group of requests: whether it was cut from those alone that are strangest to the model, by its confidence
    too; how far they are from known ones is the requests' own.
    """


def candidates(rows: Rows, known: Rows, strangeness: Floats, seed: int = 0) -> list[Candidate]:
    """Every candidate of the rows of both windows together.

    `known` are other rows, for rare words and for whether replies are to be JSON; `strangeness`, float64[rows,
    channels], is for groups among the strangest; its last channel is how far a request is from known ones.
    """
    single = [one for one in _singles(rows, strangeness, seed) if LEAST <= one.members.sum() < len(rows)]
    beside = [one for one in _beside(rows, known) if LEAST <= one.members.sum() < len(rows)]
    return [*single, *_pairs(single), *beside, *_signs(rows, known)]


def script(text: str) -> str:
    """The script of a text in small letters: the one of most of its letters, but `kana` wherever there are some, for
    Japanese is written in three at once; empty without any letter.
    """
    return "kana" if any("\u3041" <= letter <= "\u30fa" for letter in text) else script_of(text).lower()


def _singles(rows: Rows, strangeness: Floats, seed: int) -> Iterator[Candidate]:
    for tag in sorted({tag for row in rows for tag in row.tags}):
        kind = Kind.UPSTREAM if tag == UPSTREAM_TAG else Kind.TAG
        yield from _values(kind, tag, [row.tags.get(tag, "") for row in rows])
    yield from _values(Kind.REPLY, "reply", [row.reply.strip() for row in rows])
    yield from _values(Kind.SCRIPT, "script", [script(row.text) for row in rows])
    yield from _values(Kind.LANGUAGE, "language", _languages(rows))
    yield Candidate("toxic requests", Kind.TONE, TOXICITY.of(rows, ()) == TOXIC, "tone")
    words = np.array([len(words_of(row.text)) for row in rows])
    for n in LENGTHS:
        yield Candidate(f"{n} words or more", Kind.LENGTH, words >= n, "length")
        yield Candidate(f"fewer than {n} words", Kind.LENGTH, words < n, "length")
    for members in (*groups(rows, seed), *strange_groups(rows, strangeness[:, -1:], seed)):
        yield Candidate("", Kind.TOPIC, members, "topic")
    for members in strange_groups(rows, strangeness, seed):
        yield Candidate("", Kind.TOPIC, members, "topic", strange=True)


def _beside(rows: Rows, known: Rows) -> Iterator[Candidate]:
    """Rules over latency, what kind of reply it was, and the hour; of replies that are labels no lengths."""
    took = LATENCY.of(rows, known)
    for ms in TOOK_MS:
        yield Candidate(f"latency of {_span(ms)} or more", Kind.LATENCY, took >= ms, "latency")
        yield Candidate(f"latency below {_span(ms)}", Kind.LATENCY, took < ms, "latency")
    yield Candidate("replies that refuse", Kind.REFUSAL, REFUSAL.of(rows, known) == "refused", "refusal")
    yield Candidate("replies that are no JSON", Kind.FORMAT, FORMAT.of(rows, known) == "broken", "format")
    if len({row.reply.strip() for row in rows}) > VALUES:
        words = np.array([len(words_of(row.reply)) if row.reply else np.nan for row in rows])
        for n in LENGTHS:
            yield Candidate(f"replies of {n} words or more", Kind.REPLY_LENGTH, words >= n, "reply length")
            yield Candidate(f"replies of fewer than {n} words", Kind.REPLY_LENGTH, words < n, "reply length")
    yield from _hours(np.array([row.time for row in rows], dtype=np.float64))


def _span(ms: int) -> str:
    return f"{ms} ms" if ms < 1_000 else f"{ms // 1_000} s"


def _hours(times: Floats) -> Iterator[Candidate]:
    """Days of the week, the weekend, and parts of the day, in UTC; a time of 0 is unknown."""
    known, hour = times > 0, hours_of(times)
    day = (hour // DAY + DAYS.index("Thursdays")) % len(DAYS)
    for number, name in enumerate(DAYS):
        yield Candidate(f"on {name}", Kind.HOUR, known & (day == number), "hour")
    yield Candidate("at the weekend", Kind.HOUR, known & (day >= WEEKEND), "hour")
    for start in range(0, DAY, BLOCK):
        inside = known & (hour % DAY // BLOCK == start // BLOCK)
        yield Candidate(f"from {start} to {start + BLOCK} UTC", Kind.HOUR, inside, "hour")


def _languages(rows: Rows) -> list[str]:
    """The language of each request where that is not the commonest of all, else nothing."""
    found = [language_of(row.text) for row in rows]
    commonest = Counter(filter(None, found)).most_common(1)
    return ["" if commonest and name == commonest[0][0] else name for name in found]


def _values(kind: Kind, about: str, of: list[str]) -> Iterator[Candidate]:
    """A candidate per value, where they are few enough to be values and no texts."""
    places = defaultdict[str, list[int]](list)
    for place, value in enumerate(of):
        if value:
            places[value].append(place)
    for value, where in sorted(places.items()) if len(places) <= VALUES else ():
        members = np.zeros(len(of), dtype=bool)
        members[where] = True
        yield Candidate(f"{about}={value}", kind, members, about)


def _pairs(single: list[Candidate]) -> list[Candidate]:
    """Two at once, of different features, neither of which is all but the other."""
    found: list[tuple[int, Candidate]] = []
    usable = [one for one in single if one.kind is not Kind.REPLY and one.members.sum() >= LEAST_OF_TWO]
    for a, b in combinations(usable, 2):
        if a.about == b.about:
            continue
        members = a.members & b.members
        size = int(members.sum())
        if LEAST_OF_TWO <= size < SAME * min(a.members.sum(), b.members.sum()):
            found.append((size, Candidate("", Kind.BOTH, members, "both", (a, b))))
    found.sort(key=lambda one: -one[0])
    return [one for _, one in found[:MOST_PAIRS]]


def _signs(rows: Rows, known: Rows) -> Iterator[Candidate]:
    sure = np.array([row.confidence for row in rows])
    for low, high in pairwise(SURE):
        yield Candidate(f"confidence {low:g} to {high:g}", Kind.SIGN, (sure > low) & (sure <= high), "confidence")
    bits = RARITY.of(rows, known)
    rare = np.nan_to_num(bits) > np.nanquantile(bits, 0.8) if np.isfinite(bits).any() else np.zeros(len(rows), bool)
    yield Candidate("the rarest words", Kind.SIGN, rare, "rarity")
