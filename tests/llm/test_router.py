"""Routing by nearest centroid: domains are told apart, what is like none is refused, known requests seldom are."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from homeostat.errors import CorruptWeights
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.llm.router import Router, read_router, save_router
from homeostat.stats.intervals import paired
from homeostat.types.task import Task
from house.source import ROOT
from shown import Shown

DATA = ROOT.parent / "shared" / "data" / "clinc150"
SEPARABLE = ("credit_cards", "kitchen_and_dining", "meta", "work")
"""The four of its ten domains that this model's embeddings tell apart best; of all ten it reaches about 0.75."""


def clouds(rng: np.random.Generator, rows: int, *, apart: float = 1.0, hidden: int = 24) -> dict[str, np.ndarray]:
    """Four domains that differ in small directions, under a common noise that is large in others."""
    spread = np.concatenate([np.full(hidden // 2, 10.0), np.full(hidden // 2, 0.5)])
    places = np.random.default_rng(1).normal(size=(4, hidden)) * apart
    return {f"domain_{k}": place + spread * rng.normal(size=(rows, hidden)) for k, place in enumerate(places)}


def top_1(router: Router, rows: dict[str, np.ndarray]) -> float:
    """Share of the rows that go to their own domain."""
    return float(np.mean([router.choose(row).name == name for name, own in rows.items() for row in own]))


def test_domains_are_told_apart(draw: int, shown: Shown) -> None:
    """More than 0.9 go to their domain, where by plain distance to the means it would be near chance."""
    rng = np.random.default_rng(draw)
    seen, fresh = clouds(rng, 200), clouds(rng, 100)
    router = Router.fit(seen, centers=1)
    assert top_1(router, fresh) > 0.9
    means = np.stack([rows.mean(0) for rows in seen.values()])
    plain = [np.square(rows[:, None] - means).sum(-1).argmin(1) == k for k, rows in enumerate(fresh.values())]
    assert np.mean(plain) < 0.6
    own = [float(router.choose(row).name == name) for name, rows in fresh.items() for row in rows]
    of = "share of unseen rows that reach their domain, more than by the nearest mean"
    shown.within(of, paired(own, np.concatenate(plain)), least=0.2)


def test_known_requests_are_seldom_refused() -> None:
    """At most the share that was allowed goes to none, over many fits, and no much smaller one."""
    rng, none = np.random.default_rng(0), []
    for _ in range(20):
        router = Router.fit(clouds(rng, 120), refused=0.1, centers=1)
        none += [router.choose(row).name == "" for rows in clouds(rng, 25).values() for row in rows]
    assert 0.02 < np.mean(none) < 0.1 + 3 * (0.1 * 0.9 / len(none)) ** 0.5


def test_what_is_like_none_is_refused() -> None:
    """Requests from elsewhere go to none; few held-out rows cannot refuse anything."""
    rng = np.random.default_rng(0)
    router = Router.fit(clouds(rng, 200))
    elsewhere = [row + 6.0 for row in clouds(rng, 50)["domain_0"]]
    routed = [router.choose(row) for row in elsewhere]
    assert np.mean([each.name == "" for each in routed]) > 0.95
    assert max(each.usual for each in routed if not each.name) <= 0.05
    small = Router.fit(clouds(rng, 20))
    assert all(small.choose(row).name for row in elsewhere)


def test_probabilities_are_calibrated() -> None:
    """Where domains overlap, requests reach their domain about as often as the probability says."""
    rng = np.random.default_rng(0)
    router, rows = Router.fit(clouds(rng, 400, apart=0.35), centers=1), clouds(rng, 150, apart=0.35)
    routed = [(router.choose(row), name) for name, own in rows.items() for row in own]
    taken = [(each.probability, each.name == name) for each, name in routed if each.name]
    sure, right = (np.array(values, float) for values in zip(*taken, strict=True))
    assert 0.5 < right.mean() < 0.95
    assert sure.mean() == pytest.approx(right.mean(), abs=0.05)
    assert right[sure > 0.9].mean() > 0.9 > 0.7 > right[sure < 0.6].mean()


def test_a_domain_of_several_clouds() -> None:
    """Two domains that are two clouds each, crosswise, are told apart with several centers and not with one."""
    rng = np.random.default_rng(0)
    corners = {"a": [(4.0, 4.0), (-4.0, -4.0)], "b": [(4.0, -4.0), (-4.0, 4.0)]}

    def drawn(rows: int) -> dict[str, np.ndarray]:
        return {
            name: rng.permutation(np.concatenate([np.array(c) + rng.normal(size=(rows, 2)) for c in of]))
            for name, of in corners.items()
        }

    seen, fresh = drawn(100), drawn(50)
    assert top_1(Router.fit(seen), fresh) > 0.85
    assert top_1(Router.fit(seen, centers=1), fresh) < 0.7


def test_two_rows_are_enough() -> None:
    """The smallest domains are routed by their means, and equal rows do no harm."""
    router = Router.fit({"a": np.zeros((2, 3)), "b": np.ones((2, 3))})
    assert router.choose(np.array([0.9, 1.0, 1.1])).name == "b"
    assert router.choose(np.zeros(3)).name == "a"


def test_what_is_kept_chooses_alike(tmp_path: Path) -> None:
    """To the last digit, by file; one row is chosen for as many are."""
    rng = np.random.default_rng(0)
    router, fresh = Router.fit(clouds(rng, 100)), np.concatenate(list(clouds(rng, 30).values()))
    save_router(router, tmp_path)
    found = read_router(tmp_path, router.names, 24)
    assert found.chosen(fresh) == router.chosen(fresh)
    assert {one.name for one in found.chosen(fresh)} >= set(router.names)
    assert [found.choose(row).name for row in fresh] == [one.name for one in found.chosen(fresh)]


def test_what_is_kept_has_to_fit(tmp_path: Path) -> None:
    """Other names, another width, and numbers that are missing, of another shape or none are refused."""
    router = Router.fit(clouds(np.random.default_rng(0), 40))
    none = np.array([], np.float64)
    for wrong in (
        replace(router, mean=router.mean[:3]),
        replace(router, whiten=router.whiten * np.nan),
        replace(router, held_out=(*router.held_out[:3], none)),
        replace(router, centers=(*router.centers[:3], router.centers[3][:0])),
        replace(router, temperature=0.0),
        replace(router, names=(*router.names, "domain_4")),
        replace(router, names=router.names[:3]),
    ):
        save_router(wrong, tmp_path)
        with pytest.raises(CorruptWeights):
            read_router(tmp_path, router.names)
    save_router(router, tmp_path)
    with pytest.raises(CorruptWeights, match="width 24, and the base's are 32"):
        read_router(tmp_path, router.names, 32)
    with pytest.raises(CorruptWeights, match="other versions"):
        read_router(tmp_path, ("domain_0", "domain_1"))
    with pytest.raises(CorruptWeights, match="not there"):
        read_router(tmp_path / "nowhere", router.names)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="CLINC150 is not beside this checkout")
def test_clinc_domains_by_the_built_in_model() -> None:
    """Of four domains of CLINC150 that are apart, at least 0.9 of the requests that are taken reach their own."""
    rows = json.loads(gzip.decompress((DATA / "data_full.json.gz").read_bytes()))
    domain = {
        label: name
        for name, labels in json.loads((DATA / "domains.json").read_text()).items()
        for label in labels
        if name in SEPARABLE
    }
    backend, task = LocalBackend("builtin"), Task(name="routing", instruction="route", labels=("a", "b"))

    def embedded(split: str, each: int) -> dict[str, np.ndarray]:
        found: dict[str, list[str]] = {name: [] for name in SEPARABLE}
        for k in np.random.default_rng(0).permutation(len(rows[split])).tolist():
            text, label = rows[split][k]
            if label in domain and len(found[domain[label]]) < each:
                found[domain[label]].append(text)
        requests = {n: [Request(task=task, text=text, version="") for text in texts] for n, texts in found.items()}
        return {name: backend.embed(asked) for name, asked in requests.items()}

    router, fresh = Router.fit(embedded("train", 400)), embedded("test", 100)
    routed = [(router.choose(row).name, name) for name, own in fresh.items() for row in own]
    taken = [(got, name) for got, name in routed if got]
    assert len(taken) > 0.9 * len(routed)
    assert np.mean([got == name for got, name in taken]) >= 0.9
