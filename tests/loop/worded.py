"""A project whose champion is a base that does as it is told (`obedient`), and whose rows are all verified."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from homeostat.config.schema import Config, Decide, Model, Policy, Tasks, Train
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Exam, Workshop, use
from homeostat.release.registry import promote, register
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.version import Version
from obedient import ITEMS, PLACES, RIGHT, request

TASK, START, ROWS = "sorting", 1_700_000_000.0, 120
NOW = Now("trn_1", TASK, START + 10_000.0)


def lay(folder: Path, base: Path, *, parts: Sequence[Sequence[str]] = (ITEMS,), **task: Any) -> Workshop:
    """The project, with a test suite and 120 verified replies of its champion: of each part of the rows about these
    items alone, and the suite about those of the last part.
    """
    config = Config(
        folder=str(folder),
        model=Model(base=str(base)),
        tasks={TASK: Tasks(**{"instruction": "route", "labels": PLACES, "policy": "p"} | task)},
        policies={"p": Policy(any={"labels": 5}, strategy="cheapest", look="")},
        decide=Decide(min_labels=30),
        train=Train(epochs=1, batch_rows=32, rank=2, refit=False, kl=0.0),
    )
    shop = Workshop.open(config)
    use(shop)
    made = Version(id="ver_first", task=TASK, time=START - 1.0, base=str(base), kind="base", labels=PLACES)
    register(shop.store, made, None)
    promote(shop.store, TASK, made.id, "for a test", now=START - 1.0)
    rng = np.random.default_rng(3)
    items = [str(item) for some in parts for item in rng.choice(some, ROWS // len(parts))]
    texts = [request(rng, item) for item in items]
    replies = shop.replies(config.task(TASK), made, texts)
    shop.store.interactions.add(
        Interaction(id=f"int_{k:04}", task=TASK, time=START + k, text=text, reply=reply, version=made.id)
        for k, (text, reply) in enumerate(zip(texts, replies, strict=True))
    )
    shop.store.feedback.add(
        Feedback(
            id=f"fbk_{k:04}", interaction=f"int_{k:04}", kind=FeedbackKind.LABEL, value=RIGHT[item], time=START + k + 1
        )
        for k, item in enumerate(items)
    )
    suite = [str(item) for item in rng.choice(parts[-1], 80)]
    shop.put_suite(TASK, [Exam(text=request(rng, one), target=RIGHT[one], time=START) for one in suite])
    return shop
