"""The story of the platform on one screen: watch → decide → curate → train → evaluate → gate → release.

Each step is durable: it leaves a noun in the store under an id derived from (turn, step), its id in the diary, and is
not run again once it is there. A turn that was killed goes on where it stood. Only ids travel between steps.
"""

from __future__ import annotations

from collections.abc import Callable

from dbos import DBOS

from homeostat.loop import releasing, steps
from homeostat.loop.making.mend import WAYS, acceptable, mend
from homeostat.loop.proving import judging
from homeostat.types.turn import SIGN

SETTLED = ("full", "rollback")


@DBOS.workflow(name="turn")
def turn(turn_id: str, task: str, until: float) -> str:
    """Take traffic as it was at `until` and, if it pays, leave a better version answering it."""
    now = steps.Now(turn_id, task, until)
    step = steps.durably(now)

    signals = step("watch", steps.watch)
    decision = step("decide", steps.decide, signals)
    if not step("act", steps.wants_training, decision):
        return step("end", steps.end, "decide", decision)

    verdict = ""
    for recipe in step("attempts", steps.attempts).split():
        dataset = step(f"curate.{recipe}", steps.curate, recipe)
        candidate = step(f"train.{recipe}", steps.train, recipe, dataset)
        if not candidate:  # nothing came of it; nothing is lost but the attempt
            continue
        report = step(f"evaluate.{recipe}", judging.evaluate, candidate)
        verdict = step(f"gate.{recipe}", judging.gate, report, candidate)
        if step(f"judge.{recipe}", judging.passes, verdict):
            break
    else:
        if not verdict:
            return step("end", steps.end, "train", "")
        candidate = step("undecided", judging.undecided)
        for way in () if candidate else WAYS:
            if mended := step(f"train.{way}", mend, way):
                report = step(f"evaluate.{way}", judging.evaluate, mended)
                verdict = step(f"gate.{way}", judging.gate, report, mended)
                if candidate := step(f"judge.{way}", acceptable, verdict):
                    break
        if not candidate:
            return step("end", steps.end, "gate", verdict)

    return released(step, candidate)


def released(step: Callable[..., str], candidate: str) -> str:
    """Release a candidate, or have the turn wait where a person has to sign that off."""
    if waits := step(SIGN, releasing.sign, candidate):
        return step("end", steps.end, SIGN, waits)
    return rolled_out(step, candidate)


def rolled_out(step: Callable[..., str], candidate: str) -> str:
    """Release a candidate step by step, until it answers everything or is taken back."""
    release, moves = step("release", releasing.release, candidate), 0
    while step(f"stage.{moves}", releasing.stage, release) not in SETTLED:
        release = step(f"advance.{moves}", releasing.advance, release)
        moves += 1
    return step("end", steps.end, "release", release)
