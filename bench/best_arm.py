"""Which of several versions is best: how often the wrong one is chosen, how many requests it takes, who answers
meanwhile.

    python bench/best_arm.py [--quick] [--part races|live] [--runs 2000] [--seed 11]

*Races.* Simulated requests, each answered by one of 3 or 5 versions of which one is better than all others by 2, 5 or
10 points (0.85 beside 0.83, 0.80, 0.75), or by nothing. Further: quality that moves with the traffic, for all alike, by
up to 25 points; a champion with 7 requests in 10; scores between wrong and right. Looked at after every 100 requests,
and later whenever a fiftieth more have come.

- `ours`: `stats.race` as `homeostat race` uses it: who is shown to be worse leaves, alpha 0.05.
- `fixed split`: the same evidence with equal shares to the end (`homeostat split --until decided`).
- `one test`: equal shares, and as many requests as tests of the best beside each other, at alpha over their number,
need
  for a power of 0.8 each at the very gap, which has to be known beforehand; the best is chosen if all of them show it.
- `hoeffding`: successive elimination with Hoeffding's bound (Even-Dar et al. 2006), alpha 0.05.
- `greedy`: one request in ten to any, the others to the best so far; after as many requests as ours took at the median
it
  takes the best so far. It promises nothing.

`wrong` is the share of runs that called the best beaten or chose another, `worse` the share of requests that others
than the best answered up to the choice, and `lost` how many right answers in 100 that cost, beside the best answering
all of them (means of the runs). Where all are alike no choice is wrong: there `wrong` is the share of
runs in which the first one was ever called beaten, over 20,000 requests. `value` is the largest share of wrong choices
of ours over all settings, and `met` says that the upper end of its exact 95 % interval is at most alpha in every one of
them.

*Live.* A gateway and a worker as `homeostat up` starts them, exact heads on the built-in model taught a thirtieth, an
eighth and all of the same rows, the champion the middle one, customers who label three replies in five, and `homeostat
race`. The worker is killed (SIGKILL) while the split is open, and another is started. `met`: the best answers
everything, nothing was dropped, and every row of the log is what the release in force gives its episode. `route_us` is
what one choice takes.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
import timeit
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from drilled import PROJECT, TASK, Customers
from numpy.typing import NDArray
from scipy import stats

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import Split, StreamRow, read_stream
from homeostat.config.load import load
from homeostat.curate.build import build
from homeostat.curate.snapshot import gather, store_dataset
from homeostat.loop.found import found
from homeostat.loop.making.learn import Lesson, kept_tags, learn
from homeostat.loop.proving.examining import fence
from homeostat.loop.story.processes import Part
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.route import route
from homeostat.stats.intervals import proportion
from homeostat.stats.race import beaten, leads
from homeostat.store import Store
from homeostat.train.named import named
from homeostat.types import ids
from homeostat.types.dataset import Example
from homeostat.types.release import Stage

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
ALPHA, BEST, STEP, GROWS = 0.05, 0.85, 100, 0.02
ALIKE = 20_000
"""Requests of a race between versions that are alike."""
LONGEST = 400_000
SLACK_S = 60.0
"""Seconds for which a row may be in force after another has come, on a machine that is busy."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A sort of race; the first version is the best."""

    arms: int = 3
    gap: float = 0.05
    champion: float = 0.0
    """Share of the second version, which the champion is; 0 for equal shares."""
    moves: float = 0.0
    """So much all fall and rise with the traffic."""
    continuous: bool = False
    spread: tuple[float, ...] = ()
    """How far the others are behind, where that is not the same for all; `gap` is the least."""

    @property
    def behind(self) -> Floats:
        """How far each version is behind the best."""
        return np.array([0.0, *(self.spread or [self.gap] * (self.arms - 1))])

    @property
    def weights(self) -> Floats:
        """Shares of the requests at the beginning."""
        rest = np.full(self.arms, (1.0 - self.champion) / (self.arms - bool(self.champion)))
        rest[1] = self.champion or rest[1]
        return rest

    def rates(self, at: int) -> Floats:
        """Mean outcome of each version after so many requests."""
        high = BEST - self.moves / 2 * (1 - math.cos(2 * math.pi * at / 5_000))
        return high - self.behind

    @property
    def values(self) -> Floats:
        """What an outcome may be."""
        return np.linspace(0.0, 1.0, 5) if self.continuous else np.array([0.0, 1.0])

    def drawn(self, had: NDArray[np.int64], at: int, rng: np.random.Generator) -> Floats:
        """How many units of each run and version had each outcome, float64[runs, arms, values], of `had` units."""
        rates = self.rates(at)
        if not self.continuous:
            right = rng.binomial(had, rates)
            return np.stack([had - right, right], axis=-1).astype(np.float64)
        chances = stats.binom.pmf(np.arange(5), 4, rates[:, None])
        return np.stack([rng.multinomial(had[:, k], chances[k]) for k in range(self.arms)], axis=1).astype(np.float64)


SETTINGS = {
    **{f"{k} arms, {100 * gap:g} points": Setting(arms=k, gap=gap) for k in (3, 5) for gap in (0.02, 0.05, 0.1)},
    **{f"{k} arms, alike": Setting(arms=k, gap=0.0) for k in (3, 5)},
    "3 arms, 5 points, all move": Setting(moves=0.25),
    "5 arms, alike, all move": Setting(arms=5, gap=0.0, moves=0.25),
    "3 arms, 5 points, champion 70 %": Setting(champion=0.7),
    "3 arms, alike, champion 70 %": Setting(gap=0.0, champion=0.7),
    "3 arms, 5 points, scores": Setting(continuous=True),
    "5 arms, 2, 5, 10, 20 points": Setting(arms=5, gap=0.02, spread=(0.02, 0.05, 0.1, 0.2)),
}


@dataclass(frozen=True)
class Races:
    """What came of the races of one way."""

    chosen: NDArray[np.int64]
    """int[runs]: the version that was chosen; -1 for none."""
    took: Floats
    """float[runs]: requests up to the choice."""
    worse: Floats
    """float[runs]: those of them that others than the best answered."""
    lost: Floats
    """float[runs]: right answers that the best would have given besides."""
    wrong: Bools
    """bool[runs]: whether the best was called beaten, or another chosen."""


Leaving = Callable[[Floats, Floats, Bools], Bools]
"""Units by pair, units by version, and who takes part -> who leaves, each with the runs first."""


def by_bets(setting: Setting) -> Leaving:
    """Ours: those whose being worse the bets show."""

    def leaving(pairs: Floats, counts: Floats, alive: Bools) -> Bools:
        found = beaten(leads(setting.values, pairs, setting.weights, center=0.8))
        return alive & (found >= -math.log(ALPHA))

    return leaving


def by_hoeffding(setting: Setting) -> Leaving:
    """Those whose upper bound lies below another's lower one."""

    def leaving(pairs: Floats, counts: Floats, alive: Bools) -> Bools:
        n = np.maximum(counts.sum(axis=-1), 1.0)
        mean = counts @ setting.values / n
        reach = np.sqrt(np.log(math.pi**2 * setting.arms * n**2 / (3 * ALPHA)) / (2 * n))
        highest = np.where(alive, mean - reach, -np.inf).max(axis=1)
        return alive & (mean + reach < highest[:, None])

    return leaving


def raced(setting: Setting, how: Leaving, runs: int, rng: np.random.Generator, *, most: int, adaptive: bool) -> Races:
    """Races in which versions leave, or are only noted as beaten where the shares are not to move."""
    k, weights = setting.arms, setting.weights
    chosen, took, worse = np.full(runs, -1), np.full(runs, float(most)), np.zeros(runs)
    lost, wrong = np.zeros(runs), np.zeros(runs, dtype=bool)
    place, alive = np.arange(runs), np.ones((runs, k), dtype=bool)
    counts, pairs = np.zeros((runs, k, len(setting.values))), np.zeros((runs, k, k, len(setting.values)))
    for at, step in looks(most):
        share = alive * weights if adaptive else np.broadcast_to(weights, alive.shape)
        had = rng.multinomial(step, share / share.sum(axis=1, keepdims=True))
        new = setting.drawn(had, at, rng)
        counts += new
        together = (share > 0)[:, :, None] & (share > 0)[:, None, :]
        pairs += new[:, :, None, :] * together[..., None]
        worse[place] += had[:, 1:].sum(axis=1)
        lost[place] += had @ setting.behind
        alive &= ~how(pairs, counts, alive)
        wrong[place] |= ~alive[:, 0]
        done = alive.sum(axis=1) <= 1
        chosen[place[done]] = np.where(alive[done].any(axis=1), alive[done].argmax(axis=1), -1)
        took[place[done]] = at + step
        place, alive, counts, pairs = place[~done], alive[~done], counts[~done], pairs[~done]
        if not len(place):
            break
    return Races(chosen, took, worse, lost, wrong)


def looks(most: int) -> Iterator[tuple[int, int]]:
    """After how many requests one looks, and how many come then."""
    at = 0
    while at < most:
        step = max(STEP, int(GROWS * at))
        yield at, step
        at += step


def needed(setting: Setting) -> int:
    """Requests of a uniform split with which one test at the end shows the gap with a power of 0.8."""
    z = stats.norm.isf(ALPHA / (setting.arms - 1)) + stats.norm.isf(0.2)
    rates = setting.rates(0)[:2]
    spread = float((rates * (1 - rates)).sum()) / (4 if setting.continuous else 1)
    return math.ceil(setting.arms * z**2 * spread / setting.gap**2 / STEP) * STEP


def one_test(setting: Setting, runs: int, rng: np.random.Generator) -> Races:
    """Equal shares, and one look at the end."""
    k, most = setting.arms, needed(setting)
    counts, worse, lost = np.zeros((runs, k, len(setting.values))), np.zeros(runs), np.zeros(runs)
    for at in range(0, most, STEP):
        had = rng.multinomial(STEP, np.full((runs, k), 1 / k))
        counts += setting.drawn(had, at, rng)
        worse += had[:, 1:].sum(axis=1)
        lost += had @ setting.behind
    n, values = counts.sum(axis=-1), setting.values
    mean = counts @ values / n
    spread = (counts @ values**2 / n - mean**2) / n
    best = mean.argmax(axis=1)
    rows = np.arange(runs)
    z = (mean[rows, best][:, None] - mean) / np.sqrt(spread[rows, best][:, None] + spread)
    z[rows, best] = np.inf
    shown = (z > stats.norm.isf(ALPHA / (k - 1))).all(axis=1)
    return Races(np.where(shown, best, -1), np.full(runs, float(most)), worse, lost, shown & (best > 0))


def greedy(setting: Setting, runs: int, rng: np.random.Generator, most: int) -> Races:
    """One in ten to any, the others to the best so far."""
    k, worse, lost = setting.arms, np.zeros(runs), np.zeros(runs)
    counts = np.zeros((runs, k, len(setting.values)))
    for at, step in looks(most):
        n = np.maximum(counts.sum(axis=-1), 1e-9)
        mean = np.where(counts.sum(axis=-1) > 0, counts @ setting.values / n, 1.0) + 1e-9 * rng.random((runs, k))
        share = np.full((runs, k), 0.1 / k)
        share[np.arange(runs), mean.argmax(axis=1)] += 0.9
        had = rng.multinomial(step, share)
        counts += setting.drawn(had, at, rng)
        worse += had[:, 1:].sum(axis=1)
        lost += had @ setting.behind
    mean = counts @ setting.values / np.maximum(counts.sum(axis=-1), 1e-9)
    best = mean.argmax(axis=1)
    return Races(best, np.full(runs, float(most)), worse, lost, best > 0)


def told(races: Races, runs: int) -> dict[str, Any]:
    """One way's figures."""
    wrong = proportion(int(races.wrong.sum()), runs)
    return {
        "wrong": [round(one, 4) for one in (wrong.mean, wrong.low, wrong.high)],
        "decided": round(float((races.chosen >= 0).mean()), 3),
        "requests": [int(one) for one in np.percentile(races.took, [50, 90])],
        "worse": round(float((races.worse / races.took).mean()), 3),
        "lost": round(100 * float((races.lost / races.took).mean()), 2),
    }


def measured(setting: Setting, runs: int, seed: int) -> dict[str, Any]:
    """All ways in one setting."""
    rng = np.random.default_rng(seed)
    if not setting.gap:
        return {"ours": alike(setting, runs, rng)}
    ours = raced(setting, by_bets(setting), runs, rng, most=LONGEST, adaptive=True)
    median = max(STEP, int(np.median(ours.took) / STEP) * STEP)
    few = max(runs // 10, 50)
    found = {
        "ours": (ours, runs),
        "fixed split": (raced(setting, by_bets(setting), few, rng, most=LONGEST, adaptive=False), few),
        "one test": (one_test(setting, runs, rng), runs),
        "hoeffding": (raced(setting, by_hoeffding(setting), few, rng, most=LONGEST, adaptive=True), few),
        "greedy": (greedy(setting, runs, rng, median), runs),
    }
    return {name: {**told(races, n), "n": n} for name, (races, n) in found.items()}


def alike(setting: Setting, runs: int, rng: np.random.Generator) -> dict[str, Any]:
    """How often the first of several that are alike is called beaten, and how often one is chosen at all."""
    races = raced(setting, by_bets(setting), runs, rng, most=ALIKE, adaptive=True)
    wrong = proportion(int(races.wrong.sum()), runs)
    return {
        "wrong": [round(one, 4) for one in (wrong.mean, wrong.low, wrong.high)],
        "decided": round(float((races.chosen >= 0).mean()), 3),
        "n": runs,
    }


def races(runs: int, seed: int, *, quick: bool) -> Iterator[dict[str, Any]]:
    """The line of the simulations."""
    began, found = time.perf_counter(), dict[str, Any]()
    names = [name for name in SETTINGS if not quick or "2 points" not in name]
    for number, name in enumerate(names):
        found[name] = measured(SETTINGS[name], runs, seed + number)
        print(json.dumps({name: found[name]}), file=sys.stderr, flush=True)
    worst = max((one["ours"]["wrong"] for one in found.values()), key=lambda wrong: wrong[2])
    yield {
        "bar": "best arm",
        "value": worst[0],
        "interval": worst[1:],
        "n": runs,
        "goal": ALPHA,
        "met": worst[2] <= ALPHA,
        "settings": found,
        "seconds": round(time.perf_counter() - began, 1),
    }


@dataclass(frozen=True)
class Shop:
    """A project with a champion and versions that were taught more and less than it."""

    folder: Path
    rows: Sequence[StreamRow]
    """What customers send."""
    taught: Mapping[str, str]
    """Version -> how much of the rows it was taught."""

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The project's store."""
        data = self.folder / ".homeostat"
        with Store.open(f"sqlite:///{data / 'homeostat.db'}", data / "blobs") as opened:
            yield opened


def lay(folder: Path) -> Shop:
    """Teach three heads: the champion an eighth of the rows, one all of them, one a thirtieth."""
    (folder / "homeostat.yaml").write_text(PROJECT)
    known = [row for row in read_stream(traffic_path())[0] if row.split is Split.HISTORY]
    rows, suite = known[::2], [Exam(text=row.text, target=row.label, time=row.time) for row in known[1::20]]
    lessons = [Example(text=row.text, target=row.label, task=TASK, time=row.time) for row in rows]
    with closing(Workshop.open(load(folder / "homeostat.yaml"))) as shop:
        recipe = named("head", shop.config.train)
        first = found(shop, TASK, lessons[::8], suite, now=time.time(), recipe=recipe)
        taught = {first.id: "1 of 8"}
        for name, some, part in (("ver_all", lessons, "all"), ("ver_few", lessons[::30], "1 of 30")):
            inputs = gather(
                shop.store,
                shop.config.task(TASK),
                champion=None,
                evaluation=fence(shop, TASK),
                until=time.time(),
                imported=some,
            )
            rows_of = build(replace(inputs, tags=kept_tags(shop.config, TASK, recipe)), shop.config.curate)
            dataset = store_dataset(shop.store, rows_of, task=TASK, turn=f"trn_{name}", now=time.time())
            lesson = Lesson(task=TASK, dataset=dataset.id, recipe=recipe, version=name, time=time.time())
            taught[learn(shop, lesson).id] = part
    return Shop(folder, [replace(row, tags={}) for row in known[1::2]], taught)


def watched(shop: Shop, worker: Part, wait_s: float) -> tuple[dict[str, Any], Part, float]:
    """Open the split, kill the worker while it is open, start another, and wait for the end; what `split show` says,
    the worker then, and the seconds from opening to end.
    """
    config = ["--config", str(shop.folder / "homeostat.yaml")]
    began = time.time()
    ask(["race", "ver_all", "ver_few", "--until", "1h", "--json", *config])
    with shop.store() as store:
        while not split_in_force(store):
            time.sleep(0.2)
        time.sleep(5.0)
        worker.process.kill()
        worker.process.wait()
        worker = Part("worker", shop.folder / "homeostat.yaml")
        worker.start()
        while split_in_force(store) and time.time() < began + wait_s:
            time.sleep(1.0)
    return ask(["split", "show", "--json", *config]), worker, time.time() - began


def split_in_force(store: Store) -> bool:
    """Whether the newest row is a split's."""
    row = store.releases.current(TASK)
    return row is not None and row.stage is Stage.SPLIT


def ask(words: Sequence[str]) -> dict[str, Any]:
    """What a command of the product says, as a document."""
    done = subprocess.run([sys.executable, "-m", "homeostat", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words}: {done.stderr[-500:]}")
    return dict(json.loads(done.stdout))


def misrouted(store: Store) -> tuple[int, int]:
    """Requests whose version or chance no row gives their episode that may have been in force, which the row before is
    until the gateway has read the weights that the new one names; and how many of them a split's row routed.
    """
    rows = list(store.releases.list(TASK))
    begun, wrong, n = [row.time for row in rows], 0, 0
    for one in store.interactions.list(TASK):
        at = ids.moment(one.id) or one.time
        places = range(bisect_right(begun, at - SLACK_S) - 1, bisect_right(begun, at))
        allowed = [route(rows[k], one.episode) for k in places if k >= 0]
        n += any(rows[k].stage is Stage.SPLIT for k in places if k >= 0)
        wrong += not any(v == one.version and math.isclose(p, one.probability, abs_tol=1e-9) for v, p in allowed)
    return wrong, n


def live(seed: int, wait_s: float) -> dict[str, Any]:
    """The line of the live part."""
    began = time.perf_counter()
    with TemporaryDirectory() as name:
        shop = lay(Path(name))
        gateway, worker = (Part(part, shop.folder / "homeostat.yaml") for part in ("gateway", "worker"))
        try:
            url = gateway.start()
            worker.start()
            with Customers(url, shop.rows, seed) as customers:
                time.sleep(10.0)
                said, worker, took_s = watched(shop, worker, wait_s)
                time.sleep(2.0)
        finally:
            worker.stop()
            gateway.stop()
        with shop.store() as store:
            wrong, n = misrouted(store)
            final = store.releases.list(TASK)
            problems = store.verify()
    split = next(row for row in final if row.stage is Stage.SPLIT)
    spent = timeit.repeat(lambda: route(split, "some episode"), number=2000, repeat=5)
    dropped = sum(got.status != 200 for got in customers.got)
    arms = said["standing"]["arms"]
    answered = Counter(got.version for got in customers.got)
    return {
        "bar": "best arm live",
        "value": float(final[-1].champion == "ver_all"),
        "interval": None,
        "n": n,
        "goal": 1.0,
        "met": final[-1].champion == "ver_all" and not dropped and not wrong and not problems,
        "stages": [[row.stage.value, dict(row.shares), row.because] for row in final],
        "quality": {shop.taught[arm["version"]]: [arm["quality"], arm["beside"], arm["episodes"]] for arm in arms},
        "answered": {shop.taught[version]: count for version, count in answered.items() if version},
        "dropped": dropped,
        "misrouted": wrong,
        "split_s": round(took_s, 1),
        "route_us": round(1e6 * min(spent) / 2000, 1),
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    """Print a line per part."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--quick", action="store_true")
    words.add_argument("--part", choices=("races", "live"), default="")
    words.add_argument("--runs", type=int, default=0)
    words.add_argument("--seed", type=int, default=11)
    args = words.parse_args()
    if args.part != "live":
        for line in races(args.runs or (200 if args.quick else 2000), args.seed, quick=args.quick):
            print(json.dumps(line), flush=True)
    if args.part != "races":
        print(json.dumps(live(args.seed, wait_s=240.0 if args.quick else 480.0)), flush=True)


if __name__ == "__main__":
    main()
