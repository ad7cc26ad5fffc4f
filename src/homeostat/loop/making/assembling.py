"""Several versions registered as one, which answers as they do together and says how far they disagree."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from homeostat.errors import NothingToTrainOn, UnknownPlugin, UnsuitedModel, did_you_mean
from homeostat.llm.assembled import ABLE, WAYS, Assembled, Part, put_assembled
from homeostat.llm.backend import Request
from homeostat.llm.combine import LEAST, ROUTED, SLICE, Slices, mean
from homeostat.llm.ensemble import Ensemble
from homeostat.llm.preface import FILE as PREFACE
from homeostat.llm.router import Router
from homeostat.loop.making.ensemble import require_alike, router_of
from homeostat.loop.making.learn import version_id
from homeostat.loop.making.together import Together
from homeostat.loop.workshop import Workshop
from homeostat.train.carried import FILE as STATES
from homeostat.train.head.solve import SUMS
from homeostat.types.dataset import Example
from homeostat.types.version import ENSEMBLE, Version

RELATION = "combines"
"""How an ensemble is tied to each of its members."""


def assemble(shop: Workshop, versions: Sequence[Version], how: str = "mean") -> Version:
    """Register these versions as one candidate; asked for again, it gives the version that is there. Releases nothing.

    It holds copies of their weights and is whole without them. Who goes on from it by training goes on from its first
    member.

    Raises:
        UnknownPlugin: there is no such way to combine versions that are one.
        NotReleasable, UnsuitedModel, UnknownLabel: as `homeostat.loop.making.ensemble.require_alike`.
        UnsuitedModel: one stands on another base, or reads words of its own before every request.
        NothingToTrainOn: the member for each label shall be chosen, and too few rows are held out; or the member for
            each request, and of one it is not known what it was trained for.
    """
    if how not in WAYS:
        what = f"versions that are registered as one cannot be combined by '{how}'"
        raise UnknownPlugin(what, where="how", fix=did_you_mean(how, WAYS))
    require_alike(shop, versions)
    for version in versions:
        _require_able(shop, version)
    of = Together(task=shop.config.task(versions[0].task), members=tuple(versions))
    rows = of.rows(shop)
    name = version_id(ENSEMBLE, of.task.name, [version.id for version in versions], how)
    known = [one for one in shop.store.versions.list(of.task.name) if one.id == name]
    made = known[0] if known else _made(shop, of, rows, how, name)
    shop.store.lineage.link_all((name, version.id, RELATION) for version in versions)
    return made


def _made(shop: Workshop, of: Together, rows: Sequence[Example], how: str, name: str) -> Version:
    slices = _slices(shop, of, of.held_out(shop, rows)) if how == SLICE else Slices({}, 0)
    router = _router(shop, of) if how == ROUTED else None
    parts = tuple(Part(of=v.id, kind=v.kind, labels=v.labels, prior=v.prior) for v in of.members)
    assembled = Assembled(parts=parts, how=how, best=slices.best, other=slices.other, router=router)
    run = shop.run_folder(name)
    folder = run / "weights"
    shutil.rmtree(folder, ignore_errors=True)  # of a call that was killed
    put_assembled(assembled, folder)
    for k, member in enumerate(of.members):
        weights = shop.signing.folder(shop.store, member) or Path()
        shutil.copytree(weights, folder / str(k), ignore=shutil.ignore_patterns(STATES, SUMS))
    dataset = of.keep(shop, rows)
    version = Version(
        id=name,
        task=of.task.name,
        time=max(member.time for member in of.members),
        base=shop.config.model.weights,
        kind=ENSEMBLE,
        labels=assembled.labels,
        dataset=dataset.id if dataset else "",
        recipe={"name": ENSEMBLE, "how": how, "of": [member.id for member in of.members], "warm_start": False},
    )
    registered = shop.take_in(version, folder)
    shutil.rmtree(run)
    return registered


def _slices(shop: Workshop, of: Together, held: Sequence[Example]) -> Slices:
    """Who is best for each label that the members' mean would reply, on rows that none was trained on."""
    if len(held) < LEAST:
        what = f"who answers what is chosen on held-out rows, and there are {len(held)}"
        raise NothingToTrainOn(what, where="how", fix="combine them by `mean`")
    with shop.loaded(*of.members) as backend:
        ensemble = Ensemble(backend, of.members)
        each = ensemble.each([Request(task=of.task, text=row.text, version="") for row in held])
    target = np.array([ensemble.labels.index(row.target) for row in held])
    replied = [ensemble.labels[k] for k in mean(each).argmax(axis=1)]
    return Slices.measure(replied, np.asarray(each.argmax(axis=2) == target, dtype=np.float64))


def _router(shop: Workshop, of: Together) -> Router:
    """Who was trained for which requests, as it is known now."""
    with shop.loaded() as backend:
        return router_of(shop, backend, of.members)


def _require_able(shop: Workshop, version: Version) -> None:
    """Hold that a version can be a member."""
    if version.kind not in ABLE or version.base != shop.config.model.weights:
        what = f"{version.id} is of kind {version.kind} on {version.base}"
        fix = "leave it out: members are adapters, heads or whole weights on the project's own base"
        raise UnsuitedModel(what, where="ensemble", fix=fix)
    if version.blob and PREFACE in shop.store.blobs.files(version.blob):
        raise UnsuitedModel(f"{version.id} reads words of its own before every request", fix="name its parent instead")
