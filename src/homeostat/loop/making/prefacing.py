"""Makes a candidate of other words: the champion's weights, and a preface of its own beside them. Nothing is trained.

The candidate goes through evaluation, the gate and a release as any other. It knows the champion's dataset and no more,
so that what was verified since still counts as new to whatever is trained later, from the weights alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from homeostat.curate.build import Curated
from homeostat.decide.option import PROMPT, RETRIEVE, Option
from homeostat.decide.record import evidence_of, made
from homeostat.llm.preface import FILE, Preface, save_preface
from homeostat.loop.deciding.probing import STATES_OF, WORDS_OF, newest_of, preface_of, shown_of
from homeostat.loop.making.learn import version_id
from homeostat.loop.workshop import Workshop
from homeostat.types.dataset import Example
from homeostat.types.task import Kind
from homeostat.types.version import HEAD, Version

WORDS = (PROMPT, RETRIEVE)
"""Attempts that train nothing."""


def chosen(shop: Workshop, turn: str) -> Option | None:
    """The option that a turn's decision has chosen; None where none was probed."""
    decision = made(shop.store, turn)
    evidence = evidence_of(shop.store, decision) if decision is not None and decision.chosen else None
    if decision is None or evidence is None:
        return None
    return next((one for one in evidence.options if one.name == decision.chosen), None)


def optioned(shop: Workshop, turn: str, name: str) -> Option:
    """The option that a turn has decided on.

    Raises:
        LookupError: the turn has decided on another one.
    """
    option = chosen(shop, turn)
    if option is None or option.name != name:
        raise LookupError(f"turn {turn} has not decided on `{name}`")
    return option


def prefaced(shop: Workshop, turn: str, name: str, champion: Version, rows: Sequence[Example], at: float) -> Version:
    """The champion with the words of the turn's option; registered once, however often this is run.

    Args:
        shop: whose champion it is.
        turn: the turn.
        name: of the option, one of `WORDS`.
        champion: whose weights answer.
        rows: verified rows, fenced from the test suite: those that may be shown.
        at: the time of the version, in seconds since 1970.

    Raises:
        LookupError: the turn has decided something else.
    """
    option = optioned(shop, turn, name)
    id, before = version_id(turn, name), preface_of(shop, champion) or Preface()
    words = option.instruction or before.instruction
    preface = _worded(shop, champion, option, before, rows)
    folder = shop.run_folder(id)
    if champion.blob:
        shutil.copytree(
            shop.store.blobs.folder(champion.blob), folder, dirs_exist_ok=True, copy_function=shutil.copyfile
        )
    (folder / FILE).unlink(missing_ok=True)
    save_preface(preface, folder)
    wider = champion.knowing(_labels(shop, champion, rows if option.shown else ()))
    version = Version(
        id=id,
        task=champion.task,
        time=at,
        base=champion.base,
        kind=champion.kind,
        labels=wider.labels,
        prior=wider.prior,
        parent=champion.id,
        dataset=champion.dataset,
        recipe={
            "name": name,
            "instruction": words,
            "shown": preface.shown,
            "examples": len(preface.examples),
            "by": _by(preface),
        },
        cost={"cpu_seconds": option.cpu_s},
    )
    registered = shop.take_in(version, folder)
    shutil.rmtree(folder)
    return registered


def _worded(shop: Workshop, champion: Version, option: Option, before: Preface, rows: Sequence[Example]) -> Preface:
    """What is read before a request: the option's words or examples, beside what was there before it."""
    words, by_states = option.instruction or before.instruction, before.by_states
    examples, shown = before.examples, before.shown
    if option.shown:
        by_states = option.by == STATES_OF
        examples, shown = shown_of(newest_of(rows) if by_states else rows), option.shown
    if not by_states:
        return Preface(words, examples, shown)
    task = shop.config.task(champion.task)
    task = replace(task, instruction=words) if words else task
    read = shop.states(task, champion, [asked for asked, _ in examples])
    return Preface(words, examples, shown, read.astype(np.float16))


def _by(preface: Preface) -> str:
    """What its examples are found by; empty where it has none."""
    return "" if not preface.shown else STATES_OF if preface.by_states else WORDS_OF


def verified(curated: Curated) -> list[Example]:
    """The rows of a curated dataset as they may be shown: oldest first, so that the newest of equals are the last."""
    return sorted(curated.examples, key=lambda row: row.time)


def _labels(shop: Workshop, champion: Version, rows: Sequence[Example]) -> tuple[str, ...]:
    """The champion's labels, and those that examples tell of where it can reply with them."""
    if shop.config.tasks[champion.task].kind is Kind.TEXT or champion.kind == HEAD:
        return champion.labels
    return tuple(dict.fromkeys([*champion.labels, *(row.target for row in rows)]))
