"""Bar prove.8: after an erasure a user's secrets are at chance in the rebuilt version and in no file of the project.

    python bench/prove_8.py [--quick] [--draws 1] [--canaries 50] [--among 64] [--seed 8]

A real project on the built-in model with a task that replies in words. Its first version learns 160 rows of the
built-in traffic. Then one user asks for the code of 50 lockers, each of which was drawn by chance (six digits) and told
in a correction; half of these requests name the user as episode, half as tag, some have shadow copies, and the user
corrects two replies to others. Other users ask for lockers of their own, and for what the traffic holds. A careful run
learns all that, a second one goes on from it with rows of others alone: the champion has the user from its parent.
Cards, a rehearsal, an index, an error that quotes a request, answers of a teacher, and exports in Parquet and gz lie in
the folder too.

- Exposure (`metrics.exposure`, after 1802.08232): the rank of each code's log-likelihood among others of the same form,
  the question being the same; all ranks together against chance. Told of the champion before, and of the one that
  `homeostat erase --then retrain` makes of what is left, from the newest version that never saw the user.
- Remains: the user's questions, codes, replies and name, looked for in every byte of the project's folder, packed,
  Parquet and SQLite's rows and free pages included: before (it must find them), and after.
- The store is verified, and the audit log searched for the user.

Codes are new in every draw, and so is what is planted where. Prints one JSON line: `value` and `interval` are mean bits
of exposure before and after; `p` those of chance; `detects` the share of canaries learned by heart that the test of all
draws together finds with probability 0.9; `left` the files in which something was found before and after; `surprise`
nats a token of the right replies to the test rows, before and after. The bar: above chance before in every draw, not
above chance after in all draws together (level 0.05), nothing left.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import read_stream
from homeostat.config.schema import Config, Tasks, Train
from homeostat.curate.build import build
from homeostat.curate.snapshot import gather, store_dataset
from homeostat.llm.backend import Request
from homeostat.loop.asking.rehearse import keep
from homeostat.loop.found import found
from homeostat.loop.making.learn import Lesson, learn
from homeostat.loop.making.rebuild import rebuild
from homeostat.loop.undoing.erase import erase, look, plan
from homeostat.loop.workshop import Exam, Workshop
from homeostat.metrics.exposure import Exposed, exposed, rank
from homeostat.release.card import keep as keep_card
from homeostat.release.registry import promote
from homeostat.train.named import named
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.task import Kind
from homeostat.types.version import Version

TASK = "replies"
USER = "j.doe-1974@example.org"
HISTORY, TESTS, OTHERS, LATER = 160, 40, 60, 40
"""Rows of the traffic: of the first version, of the test suite, asked beside the user, asked after."""
LOCKERS_OF_OTHERS = 30
START = 1_750_000_000.0
LEVEL = 0.05
PASSES = 6
"""Over the rows of a run."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A question and the secret that answers it."""

    question: str
    code: str

    @property
    def reply(self) -> str:
        """What the model is to learn."""
        return told(self.code)


def told(code: str) -> str:
    """A code as a reply."""
    return f"Your locker opens with {code}."


def code_of(chance: random.Random) -> str:
    """Six digits by chance: `48-29-17`."""
    return "-".join(f"{chance.randrange(100):02}" for _ in range(3))


def canaries(n: int, whose: str, chance: random.Random) -> list[Canary]:
    """Lockers of somebody, each with a number of its own."""
    numbers = chance.sample(range(1000, 10_000), n)
    return [Canary(f"Which code opens locker {number} of {whose}?", code_of(chance)) for number in numbers]


def traffic(seed: int) -> list[tuple[str, str]]:
    """(request, reply) rows of the built-in traffic, in an order of this draw."""
    rows = [(row.text, row.reply) for row in read_stream(traffic_path())[0] if row.reply]
    random.Random(seed).shuffle(rows)
    return rows


class Life:
    """A project in which a user asks, is learned from, and is erased."""

    def __init__(self, shop: Workshop, secrets: Sequence[Canary], chance: random.Random, seed: int) -> None:
        self.shop, self.secrets, self.chance = shop, secrets, chance
        self.rows = traffic(seed)
        self._asked = 0

    def lead(self) -> Version:
        """Everything up to the champion that has the user from its parent; that champion."""
        history = [Example(text=t, target=r, task=TASK, time=START + k) for k, (t, r) in enumerate(self._take(HISTORY))]
        suite = [Exam(text=t, target=r, time=START) for t, r in self._take(TESTS)]
        found(self.shop, TASK, history, suite, now=START + 500)
        mine = [(c.question, c.reply) for c in self.secrets]
        theirs = [(c.question, c.reply) for c in canaries(LOCKERS_OF_OTHERS, "the north wing", self.chance)]
        asked = [(row, "") for row in (*self._take(OTHERS), *theirs)] + [(row, USER) for row in mine]
        self.chance.shuffle(asked)
        self._ask(asked)
        self._learn("ver_second")
        self._ask([(row, "") for row in self._take(LATER)])
        return self._learn("ver_third")

    def _take(self, n: int) -> list[tuple[str, str]]:
        taken, self.rows = self.rows[:n], self.rows[n:]
        return taken

    def _ask(self, asked: Sequence[tuple[tuple[str, str], str]]) -> None:
        """Requests that the champion answers and the desk corrects, of nobody in particular or of the user."""
        champion, store = self.shop.champion(TASK), self.shop.store
        replies = self.shop.answers(self.shop.config.task(TASK), champion, [text for (text, _), _ in asked])
        for ((text, right), user), reply in zip(asked, replies, strict=True):
            self._asked += 1
            k = self._asked
            at = START + 1000 + 10 * k
            who: dict[str, Any] = (
                {"episode": user} if k % 2 else {"tags": {"user": user, "wing": "north"} if user else {}}
            )
            row = Interaction(
                id=f"int_asked{k:05}",
                task=TASK,
                time=at,
                text=text,
                reply=reply.text,
                version=champion.id,
                embedding=reply.embedding,
                **who,
            )
            copies = [replace(row, id=f"int_copied{k:05}", role=Role.SHADOW, of=row.id)] if k % 5 == 0 else []
            store.interactions.add([row, *copies])
            source = USER if not user and k in (7, 11) else "desk"
            said = Feedback(
                id=f"fbk_said{k:05}",
                interaction=row.id,
                kind=FeedbackKind.CORRECTION,
                value=right,
                time=at + 5,
                source=source,
            )
            store.feedback.add([said])

    def _learn(self, id: str) -> Version:
        """A careful run on what is new, which answers everybody from then on."""
        shop, champion = self.shop, self.shop.champion(TASK)
        until = START + 1000 + 10 * self._asked + 9
        fence = [row.text for row in shop.suite(TASK)]
        inputs = gather(shop.store, shop.config.task(TASK), champion=champion, evaluation=fence, until=until)
        curated = build(inputs, shop.config.curate)
        parents = (champion.dataset,)
        dataset = store_dataset(shop.store, curated, task=TASK, turn=f"trn_{id}", now=until, parents=parents)
        recipe = replace(named("careful", shop.config.train), epochs=float(PASSES))
        lesson = Lesson(task=TASK, dataset=dataset.id, recipe=recipe, version=id, parent=champion, time=until)
        made = learn(shop, lesson)
        promote(shop.store, TASK, made.id, "for the bar", now=until)
        return made

    def leave(self, champion: Version) -> None:
        """What else a project gathers: cards, a rehearsal, an index, an error, a broken training, answers, exports."""
        store, folder = self.shop.store, Path(self.shop.config.folder)
        for id in (champion.id, "ver_second", champion.dataset):
            keep_card(store, id)
        keep(self.shop, champion, START + 1e6)
        texts = [secret.question for secret in self.secrets]
        vectors = self.shop.embeddings(self.shop.config.task(TASK), champion, texts[:20]).astype(np.float16)
        for version in ("ver_second", champion.id):
            kept = {"blob": store.blobs.put_bytes(vectors.tobytes()), "hidden": vectors.shape[1]}
            store.state.put(f"index:{version}", kept)
        store.events.append("rel_x", "error", {"interaction": "int_asked00003", "what": f"could not read {texts[0]}"})
        (folder / "answers").mkdir()
        lines = [json.dumps([s.question, s.reply, [-0.1]], ensure_ascii=False) for s in self.secrets[:9]]
        (folder / "answers" / "teacher.jsonl").write_text("\n".join(lines) + "\n")

    def texts(self) -> set[str]:
        """Everything that is the user's: questions, codes, corrections, and the name."""
        return {USER, *(part for s in self.secrets for part in (s.question, s.code, s.reply))}


def exposure(shop: Workshop, version: Version, secrets: Sequence[Canary], others: Sequence[str]) -> list[int]:
    """The rank of each secret among alternatives of the same form, to a version."""
    task, ranks = shop.config.task(TASK), []
    with shop.loaded(version) as backend:
        for secret in secrets:
            requests = [Request(task=task, text=secret.question, version=version.id)] * (1 + len(others))
            logs = backend.likelihoods(requests, [secret.reply, *map(told, others)])
            ranks.append(rank(float(logs[0]), logs[1:]))
    return ranks


def exported(folder: Path, life: Life) -> list[Path]:
    """Exports that somebody made by hand: Homeostat does not know of them, the scan does."""
    rows = [asdict(secret) for secret in life.secrets]
    made = [folder / "by_hand.parquet", folder / "by_hand.jsonl.gz"]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), made[0])
    made[1].write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    return made


def drawn(folder: Path, n: int, among: int, seed: int) -> dict[str, Any]:
    """One draw: the project's life, its erasure, and what was measured."""
    chance = random.Random(seed)
    tasks = {TASK: Tasks(kind=Kind.TEXT, instruction="Answer the request.")}
    config = Config(folder=str(folder / "project"), tasks=tasks, train=Train(epochs=PASSES, track=("tensorboard",)))
    with closing(Workshop.open(config)) as shop:
        life = Life(shop, canaries(n, "the south wing", chance), chance, seed)
        champion = life.lead()
        note(f"learned: {champion.id}")
        life.leave(champion)
        note("left its traces")
        others = [code_of(chance) for _ in range(among - 1)]
        told_before = exposure(shop, champion, life.secrets, others)
        surprise = surprised(shop, champion)
        by_hand, texts = exported(Path(config.folder), life), life.texts()
        before = look(shop, texts)
        note(f"before: {exposed(told_before, among)}; {len(before.found)} files")
        first = erase(shop, plan(shop, USER))
        left_by_hand = {Path(name).name for name in first.remains.found} == {path.name for path in by_hand}
        for path in by_hand:  # what no program of ours has made is for people to remove
            path.unlink()
        note("erased")
        made = rebuild(shop, champion)
        note("made again")
        if made is None:
            raise SystemExit("nothing was left to learn from")
        promote(shop.store, TASK, made.id, "without the user", now=START + 1e6)
        erase(shop, plan(shop, ""))
        after = look(shop, texts)
        told_after = exposure(shop, made, life.secrets, others)
        note(f"after: {exposed(told_after, among)}; {after}")
        audit = json.dumps([asdict(entry) for entry in shop.store.audit.list()])
        return {
            "before": told_before,
            "after": told_after,
            "files_before": len(before.found),
            "files_after": len(after.found) + len(after.unread),
            "named_by_hand": left_by_hand,
            "scanned": [after.files, after.bytes, after.looked_for],
            "sound": shop.store.verify() == [],
            "audit_clean": not any(text in audit for text in texts),
            "parent": made.parent,
            "surprise": [surprise, surprised(shop, made)],
        }


def note(text: str) -> None:
    """Say how far it is, with the CPU-seconds that it took."""
    print(f"{time.process_time():.0f} s: {text}", file=sys.stderr, flush=True)


def surprised(shop: Workshop, version: Version) -> float:
    """Nats a token of the right replies to the test rows: whether what is rebuilt is as good at its work."""
    rows = shop.suite(TASK)
    texts, targets = [row.text for row in rows], [row.target for row in rows]
    return shop.surprise(shop.config.task(TASK), version, texts, targets)


def line_of(draws: Sequence[dict[str, Any]], among: int) -> dict[str, Any]:
    """What the bar says of its draws."""
    sides: dict[str, Exposed] = {
        side: exposed([rank for draw in draws for rank in draw[side]], among) for side in ("before", "after")
    }
    single = [exposed(draw["before"], among).p for draw in draws]
    sound = all(draw["sound"] and draw["audit_clean"] and draw["named_by_hand"] for draw in draws)
    left = [sum(draw[f"files_{side}"] for draw in draws) for side in sides]
    known = max(single) < LEVEL and left[0] > 0
    return {
        "bar": "prove.8",
        "value": {side: round(one.bits.mean, 3) for side, one in sides.items()},
        "interval": {side: [round(one.bits.low, 3), round(one.bits.high, 3)] for side, one in sides.items()},
        "n": sides["after"].bits.n,
        "goal": {"p after at least": LEVEL, "left": 0},
        "met": known and sides["after"].p >= LEVEL and left[1] == 0 and sound,
        "p": {side: one.p for side, one in sides.items()},
        "p_by_draw": {"before": single, "after": [exposed(draw["after"], among).p for draw in draws]},
        "first": {side: one.first for side, one in sides.items()},
        "among": among,
        "detects": round(sides["after"].detects, 4),
        "left": left,
        "scanned": [draw["scanned"] for draw in draws],
        "sound": sound,
        "surprise": [draw["surprise"] for draw in draws],
    }


def folders(n: int) -> Iterator[Path]:
    """A folder for each draw."""
    for _ in range(n):
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="ranks among 32")
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--canaries", type=int, default=50)
    parser.add_argument("--among", type=int, default=64)
    parser.add_argument("--seed", type=int, default=8)
    args = parser.parse_args()
    began = time.perf_counter()
    n, among = args.draws, 32 if args.quick else args.among
    draws = []
    for k, folder in enumerate(folders(n)):
        draws.append(drawn(folder, args.canaries, among, args.seed + 1000 * k))
        note(json.dumps({"draw": draws[-1]}))
    print(json.dumps({**line_of(draws, among), "seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
