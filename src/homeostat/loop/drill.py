"""The drill: a version broken on purpose is pushed into the canary, and must be seen to be taken back.

A rollback that was never tried is a hope. The broken version is a copy of the champion whose adapter, or head, points
the other way, so that it is fluent, fast and wrong.
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import replace

from dbos import DBOS
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from homeostat.loop import steps
from homeostat.loop.workshop import Workshop
from homeostat.release import rollout
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
    broken = replace(
        champion,
        id=ids.derived("ver", drill),
        time=time.time(),
        parent=champion.id,
        blob="",
        state=State.CANDIDATE,
        cost={},
    )
    registered = shop.take_in(broken, folder)
    shutil.rmtree(folder)
    return registered


def push(shop: Workshop, now: steps.Now) -> str:
    """Put the broken version straight into the canary."""
    broken = sabotage(shop, now.task, now.turn)
    because = (
        f"drill: {broken.id} was broken on purpose and answers {shop.config.release.canary_share:.0%} of the episodes"
    )
    return rollout.open_canary(shop.store, now.task, broken.id, shop.config.release, because, now=time.time()).id


@DBOS.workflow(name="drill")
def drill(turn_id: str, task: str, until: float) -> str:
    """Break a version, release it to a few, and wait until it has been taken back or has got through."""
    now = steps.Now(turn_id, task, until)
    release = DBOS.run_step({"name": "push"}, steps.once, now, "push", push)
    release = DBOS.run_step({"name": "advance"}, steps.once, now, "advance", steps.advance, release)
    return DBOS.run_step({"name": "end"}, steps.once, now, "end", steps.end, "release", release)
