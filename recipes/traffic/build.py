"""Write the built-in traffic: one year at the support desk of Brightwick, varied from the hand-written seeds.

    python recipes/traffic/build.py [FILE]

The file is the same, byte for byte, on every run. What the year holds is in docs/reference/builtin-traffic.md.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from vary import Author
from words import Seed, Words, read_seeds, telling_words
from year import MOVED, POLICY, Moment, calendar

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "src" / "homeostat" / "builtin" / "traffic" / "support.jsonl.gz"

TEST_SEEDS_A_FAMILY = 10
LATE_SEED_SHARE = 0.6
"""Of the messages in late wording, those varied from late seeds; the others are reworded early seeds."""

EARLY_CHANNELS = {"email": 50, "web": 36, "chat": 14}
LATE_CHANNELS = {"chat": 58, "voice": 24, "web": 12, "email": 6}
SMALL_AMOUNTS = re.compile(r"gift wrap|postage|a month|monthly|plan has|month\.|off|owe me|same capsules")
PLACES = {
    "school": re.compile(r"school|kindergarten|class|universit|campus|nursery|librar|teach|science", re.IGNORECASE),
    "reseller": re.compile(r"shop|resell|resale|wholesale|retail|distributor|stores|deli\b|cafe|dealer|trade|stock"),
}


class Deck:
    """Deals the seeds of one kind evenly: none comes again before all the others have come."""

    def __init__(self, seeds: Sequence[Seed], rng: random.Random) -> None:
        self.seeds, self.rng, self.rest = list(seeds), rng, list[Seed]()

    def deal(self) -> Seed:
        """The next seed."""
        if not self.rest:
            self.rest = self.rng.sample(self.seeds, len(self.seeds))
        return self.rest.pop()


def held_seeds(seeds: Sequence[Seed], rng: random.Random) -> set[str]:
    """Ids of the seeds kept for testing: from each family the same number, spread over era and register."""
    chosen: set[str] = set()
    for family in sorted({seed.family for seed in seeds}):
        mine = [seed for seed in seeds if seed.family == family]
        rng.shuffle(mine)
        mine.sort(key=lambda seed: (seed.era, seed.register))
        step = len(mine) / TEST_SEEDS_A_FAMILY
        offset = rng.random() * step
        chosen |= {mine[int(offset + n * step)].id for n in range(TEST_SEEDS_A_FAMILY)}
    return chosen


def day_text(day: datetime, register: str, rng: random.Random) -> str:
    """A date as people of that register write it."""
    number, month = day.day, day.strftime("%B")
    ending = "th" if 10 < number < 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    forms = [f"{number} {month}", f"{month} {number}", f"the {number}{ending} of {month}"]
    if register != "formal":
        forms += [f"{month} {number}{ending}", f"{day:%d.%m.}", f"{month[:3]} {number}"]
    return rng.choice(forms)


def slot_values(seed: Seed, time: datetime, words: Words, rng: random.Random) -> dict[str, str]:
    """What stands in the slots of one message and of its reply. Dates fit the day on which it is written."""
    past, coming = time - timedelta(days=rng.randint(3, 24)), time + timedelta(days=rng.randint(4, 40))
    name, amount = rng.choice(words.names), rng.choice(words.large_amounts)
    if SMALL_AMOUNTS.search(seed.text):
        amount = rng.choice(words.small_amounts)
    return {
        "order": f"BW-{rng.randint(20000, 89999)}",
        "name": name if seed.register in ("formal", "plain") else name.split()[0],
        "city": rng.choice(words.cities),
        "date": day_text(past, seed.register, rng),
        "coming": day_text(coming, seed.register, rng),
        "plant": rng.choice([plant for plant in words.plants if plant not in seed.text.lower()]),
        "amount": rng.choice((f"€{amount}", f"{amount} €", f"{amount} euros", f"EUR {amount}")),
    }


class Desk:
    """Answers messages with the reference replies of their family, register and wording."""

    def __init__(self, folder: Path, author: Author) -> None:
        self.author = author
        self.replies: dict[str, dict[str, str]] = {
            path.name.removesuffix(".replies.json"): json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(folder.glob("*.replies.json"))
        }

    def reply(self, seed: Seed, moment: Moment, message: str, order: str) -> str:
        """The reply to a message. An order number that the message does not give is not in it either."""
        name = f"{MOVED}.after" if seed.family == MOVED and moment.time >= POLICY else seed.family
        text = self.replies[name][seed.register]
        if moment.late:
            text = self.author.swap(text, self.author.words.rebrand, 99).replace("the box", "the tower")
        if order.lower() in message.lower():
            return text.replace("{order}", order)
        return re.sub(r"(?i)(o)rder \{order\}|\{order\}", lambda m: "Your order" if m[1] == "O" else "your order", text)


def channel_of(seed: Seed, late: bool, rng: random.Random) -> str:
    """By which way a message comes; hand-written late seeds sound like one way or the other already."""
    if seed.era == "late" and re.search(r"\b(um|uh|so i|so we|okay so|I told)\b", seed.text):
        return "voice"
    table = dict(LATE_CHANNELS if late else EARLY_CHANNELS)
    if seed.register == "casual":
        table |= {"voice": 0} if late else {"chat": 40}
    if seed.register == "formal":
        table |= {"voice": 0, "email": 60}
    return rng.choices(list(table), list(table.values()))[0]


def segment_of(seed: Seed, rng: random.Random) -> str:
    """What kind of customer writes: told by the text where orders are large, drawn elsewhere."""
    if seed.family == "bulk_business":
        return next((name for name, pattern in PLACES.items() if pattern.search(seed.text)), "business")
    return rng.choices(("home", "school", "business", "reseller"), (82, 7, 8, 3))[0]


class Year:
    """Writes the rows of the calendar, no text twice."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.seeds, self.words = read_seeds(folder / "seeds"), Words(folder)
        self.author = Author(self.words, telling_words(self.seeds), self.rng)
        self.desk = Desk(folder / "seeds", self.author)
        self.decks = self.deal_decks(held_seeds(self.seeds, self.rng))
        self.written: set[str] = set()

    def deal_decks(self, held: set[str]) -> dict[tuple[str, str, bool], Deck]:
        """One deck for each family, era and side of the split."""
        kinds: dict[tuple[str, str, bool], list[Seed]] = {}
        for seed in self.seeds:
            kinds.setdefault((seed.family, seed.era, seed.id in held), []).append(seed)
        return {kind: Deck(seeds, self.rng) for kind, seeds in kinds.items()}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row of the stream."""
        for moment in calendar(self.rng):
            era = "late" if moment.late and self.rng.random() < LATE_SEED_SHARE else "any"
            yield self.row(self.decks[moment.family, era, moment.split == "test"].deal(), moment)

    def row(self, seed: Seed, moment: Moment) -> dict[str, Any]:
        """One row of the stream."""
        values = slot_values(seed, moment.time, self.words, self.rng)
        channel = channel_of(seed, moment.late, self.rng)
        truth: dict[str, Any] = {"seed": seed.id, "phase": moment.phase, "slice": moment.slice}
        truth |= {"intent": seed.family, "wording": "late" if moment.late else "early"}
        retired = moment.split == "test" and seed.family == MOVED and moment.time < POLICY
        text = self.new_text(seed, channel, moment.late, values)
        return {
            "text": text,
            "label": moment.label,
            "time": moment.time.isoformat(),
            "split": moment.split,
            "tags": {"segment": segment_of(seed, self.rng), "channel": channel, "language": "en",
                     "register": seed.register},
            "truth": truth,
            "reply": self.desk.reply(seed, moment, text, values["order"]),
        } | ({"until": POLICY.isoformat()} if retired else {})  # fmt: skip

    def new_text(self, seed: Seed, channel: str, late: bool, values: dict[str, str]) -> str:
        """A variation of the seed that differs in its letters from all that were written before."""
        for effort in (0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2):
            text = self.author.write(seed, channel, late, values, effort)
            letters = "".join(re.findall(r"\w", text.lower()))
            if letters not in self.written:
                self.written.add(letters)
                return text
        raise RuntimeError(f"no new variation of {seed.id} found")


def write(rows: Iterable[dict[str, Any]], path: Path) -> None:
    """Write the rows as gzipped JSON lines, the same bytes for the same rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), compresslevel=9, mtime=0))


def main() -> None:
    """Build the year and say what is in it."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    rows = list(Year(HERE, seed=2025).rows())
    write(rows, path)
    most, times_used = Counter(row["truth"]["seed"] for row in rows).most_common(1)[0]
    print(path.name, dict(Counter(row["split"] for row in rows)), len({row["label"] for row in rows}), "labels,",
          path.stat().st_size // 1000, "kB, most used seed", most, times_used)  # fmt: skip


if __name__ == "__main__":
    main()
