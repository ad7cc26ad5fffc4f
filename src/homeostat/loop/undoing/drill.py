"""The drill: a version broken on purpose is pushed into the canary, and must be seen to be taken back.

A rollback that was never tried is a hope. A `sabotaged` version is a copy of the champion whose adapter, or head,
points the other way, so that it is fluent, fast and wrong. The others are the champion with a fault that is committed
where it is served (`release.breaking`): slow, erroring, or wrong about a part of one slice.

None of them ever answers everybody: the release row carries the moment from which on its candidate answers nobody,
which the gateway holds by itself, and no such version can be promoted.
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import replace

from dbos import DBOS
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from homeostat.loop import releasing, steps
from homeostat.loop.turn import SETTLED
from homeostat.loop.workshop import Workshop
from homeostat.release import rollout
from homeostat.release.breaking import SABOTAGED, Fault, recipe
from homeostat.release.drills import ordered
from homeostat.types import ids
from homeostat.types.version import HEAD, State, Version

_ANY = re.compile("")
_TURNED = {"lora": re.compile("lora_B"), HEAD: re.compile(r"^(weights|layers\.)")}
"""What of a version is turned round, by its kind; all of others."""


def sabotage(shop: Workshop, task: str, drill: str) -> Version:
    """Register a copy of the champion with the sign of its adapter turned round."""
    champion = shop.champion(task)
    folder = shop.run_folder(drill)
    for file in shop.store.blobs.folder(champion.blob).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    for weights in folder.glob("*.safetensors"):
        with safe_open(weights, framework="pt") as file:
            metadata = file.metadata()
        tensors = load_file(weights)
        turned = {n: -2.0 * t if _TURNED.get(champion.kind, _ANY).search(n) else t for n, t in tensors.items()}
        save_file(turned, weights, metadata=metadata)
    registered = shop.take_in(replace(_copy(champion, Fault(kind=SABOTAGED), drill), blob=""), folder)
    shutil.rmtree(folder)
    return registered


def broken(shop: Workshop, task: str, drill: str) -> Version:
    """Register the version that a drill was ordered to release.

    Raises:
        NothingReleased: no version answers the task.
    """
    order = ordered(shop.store, drill)
    if order.fault.kind == SABOTAGED:
        return sabotage(shop, task, drill)
    return shop.take_in(_copy(shop.champion(task), order.fault, drill), None)


def _copy(champion: Version, fault: Fault, drill: str) -> Version:
    """The champion's row with a fault."""
    id, now = ids.derived("ver", drill), time.time()
    made = replace(champion, id=id, time=now, parent=champion.id, state=State.CANDIDATE, cost={})
    return replace(made, recipe=recipe(fault))


def push(shop: Workshop, now: steps.Now) -> str:
    """Put the broken version straight into the canary, for no longer than was ordered."""
    known, order, settings = broken(shop, now.task, now.turn), ordered(shop.store, now.turn), shop.config.release
    share = settings.ramp[0]
    because = f"drill: {known.id} was broken on purpose ({order.fault.kind}) and answers {share:.0%} of the episodes"
    moment = time.time()
    return rollout.open_canary(
        shop.store, now.task, known.id, settings, because, now=moment, until=moment + order.within_s
    ).id


@DBOS.workflow(name="drill")
def drill(turn_id: str, task: str, until: float) -> str:
    """Break a version, release it to a few, and wait until it has been taken back or has got through."""
    now = steps.Now(turn_id, task, until)
    step = steps.durably(now)
    release = step("push", push)
    release, moves = step("advance", releasing.advance, release), 0
    while step(f"stage.{moves}", releasing.stage, release) not in SETTLED:  # the canary's share was raised
        release = step(f"advance.{moves}", releasing.advance, release)
        moves += 1
    return step("end", steps.end, "release", release)
