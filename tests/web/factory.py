"""A store as a support desk leaves it after one turn: small, but with something of everything."""

from __future__ import annotations

import random
import struct
from dataclasses import replace

from homeostat.config.schema import Config, Tasks
from homeostat.store import Store
from homeostat.types.alert import Alert, Remedy, Severity
from homeostat.types.dataset import Dataset, Example
from homeostat.types.decision import Action, Alternative, Decision
from homeostat.types.delivery import Delivery, Post
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome, Report, Score, Verdict
from homeostat.types.signal import Moved, Signal
from homeostat.types.task import Kind
from homeostat.types.turn import Turn
from homeostat.types.version import State, Version
from web import documents

HOSTILE = "<script>alert('owned')</script> & \"my\" pump"
START = documents.START
ALERT = "alr_3n6q9t2w5z8c1f4j7m0p"
TURN, SIGNAL, DECISION, DATASET = (
    "trn_4w7e2r5t8y1k6m3n0b9q",
    "sig_6h8y3d5f0p7c2m9t4r1x",
    "dec_2k5m8n1p4q7r0t3v6w9x",
    "dst_5k8m2n4p6q9r1t3v7w0x",
)
FIRST, SECOND, REFUSED = documents.FIRST, documents.SECOND, documents.REFUSED
TEXTS = (
    ("my box is eight days late, what is going on", "delivery_delay"),
    ("Could you please send me a copy of invoice 20-1184?", "invoice_copy"),
    ("the pump makes a grinding noise since the update", "pump_noise"),
    ("How do I pair the Aqua with the app?", "aqua_pairing"),
    (
        "I regret to report that the housing arrived cracked on two sides. Your prompt response would be appreciated.",
        "damaged_on_arrival",
    ),
    ("wanna set another address for good", "change_address"),
)


def config() -> Config:
    """Two tasks, one of labels with an objective, one of text."""
    return Config(
        project="brightwick",
        tasks={"routing": Tasks(labels=("a",), objective_at_least=0.9), "replies": Tasks(kind=Kind.TEXT)},
    )


def fill(store: Store, requests: int = 400) -> None:
    """Versions, traffic with feedback, a signal, a turn with a refused and a released candidate."""
    add_versions(store)
    add_traffic(store, requests)
    add_turn(store)
    add_alerts(store)


def add_versions(store: Store) -> None:
    rows = (
        (FIRST, "", State.RETIRED, START - 9e5),
        (REFUSED, FIRST, State.REFUSED, START + 2e6),
        (SECOND, FIRST, State.LIVE, START + 2.1e6),
    )
    for id, parent, state, time in rows:
        cost = {"flops": 1.24e12, "cpu_seconds": 41.2, "wall_seconds": 22.0, "steps": 320.0}
        cost |= {"kl_new": 0.3124} if parent else {}
        labels = tuple(label for _, label in TEXTS)
        store.versions.put(
            Version(
                id=id, task="routing", time=time, base="builtin", parent=parent, state=state, cost=cost, labels=labels
            )
        )
        for point in documents.losses(id, 0.2, 120)["points"]:
            store.events.append(id, "training", point)
    store.aliases.set("routing", "champion", SECOND)
    store.state.put(f"trace:{SECOND}", [[p["time"], p["confidence"], p["neighbors"]] for p in documents.statistic()])
    store.releases.put(
        Release(id="rel_first", task="routing", time=START, stage=Stage.FULL, champion=FIRST, because="first version")
    )


def add_traffic(store: Store, requests: int) -> None:
    draw, rows, said = random.Random(1), [], []
    for k in range(requests):
        text, label = TEXTS[k % len(TEXTS)]
        right = draw.random() < (0.93 if k < requests / 2 else 0.8)
        row = interaction(k, text if k else HOSTILE, label if right else "return_item")
        rows.append(row)
        if draw.random() < 0.5:
            said.append(feedback(k, label))
    shadow = interaction(requests, TEXTS[0][0], "missing_item", role=Role.SHADOW, of=rows[0].id, version=SECOND)
    store.interactions.add([*rows, shadow])
    store.feedback.add(said)


def interaction(k: int, text: str, reply: str, **more: object) -> Interaction:
    values: dict[str, object] = {
        "id": f"int_{k:020d}",
        "task": "routing",
        "time": START + 6_000.0 * k,
        "text": text,
        "reply": reply,
        "version": FIRST if k < 350 else SECOND,
        "confidence": 0.6 + (k % 40) / 100,
        "latency_ms": 8.0 + k % 30,
        "tags": {"segment": "home" if k % 3 else "school", "channel": "chat"},
        "embedding": state(k),
    }
    return Interaction(**(values | more))  # type: ignore[arg-type]


def state(k: int) -> bytes:
    """What a model would make of the kth request: float16[8], near that of others with the same text."""
    middle, noise = random.Random(k % len(TEXTS)), random.Random(1000 + k)
    return struct.pack("<8e", *(middle.gauss(0, 2) + noise.gauss(0, 0.5) for _ in range(8)))


def feedback(k: int, label: str) -> Feedback:
    about = f"int_{k:020d}"
    return Feedback(
        id=f"fbk_{k:020d}",
        interaction=about,
        kind=FeedbackKind.LABEL,
        value=label,
        time=START + 6_000.0 * k + 60,
        source="desk",
    )


def add_turn(store: Store) -> None:
    told = documents.turn()
    time = START + 1_600_000
    store.signals.put(
        Signal(
            id=SIGNAL,
            task="routing",
            time=time,
            moved=Moved.NOVELTY,
            detector="shiryaev_roberts",
            statistic=1_204_551.0,
            threshold=500_000.0,
            n=266,
            since=START + 1_200_000,
            examples=tuple(f"int_{k:020d}" for k in (203, 209, 215)),
        )
    )
    store.decisions.put(
        Decision(
            id=DECISION,
            task="routing",
            time=time,
            action=Action.RETRAIN,
            because=told["decision"]["because"],
            gain=0.121,
            gain_interval=(0.087, 0.155),
            cost=0.006,
            alternatives=(
                Alternative(action="wait", gain=0.0, cost=1210.0),
                Alternative(action="label", gain=40.0, cost=90.0),
            ),
            signals=(SIGNAL,),
        )
    )
    add_attempts(store, time)
    diary = {
        "watch": SIGNAL,
        "decide": DECISION,
        "act": "yes",
        "attempts": "naive careful",
        **attempt("naive", REFUSED, ""),
        **attempt("careful", SECOND, "yes"),
        "release": "rel_shadow",
        "stage.0": "shadow",
        "advance.0": "rel_full",
        "end": "release",
    }
    because = f"{SECOND} answers everything: not worse in 132 pairs (41 judged: 92.7 points beside 85.4)"
    for id, stage in (("rel_shadow", Stage.SHADOW), ("rel_full", Stage.FULL)):
        champion, candidate = (FIRST, SECOND) if stage is Stage.SHADOW else (SECOND, "")
        store.releases.put(
            Release(
                id=id, task="routing", time=time, stage=stage, champion=champion, candidate=candidate, because=because
            )
        )
    store.turns.put(Turn(id=TURN, task="routing", time=time, state="release", because=because, diary=diary))


def attempt(recipe: str, version: str, passed: str) -> dict[str, str]:
    return {
        f"curate.{recipe}": DATASET,
        f"train.{recipe}": version,
        f"evaluate.{recipe}": f"rep_{recipe}",
        f"gate.{recipe}": f"vdt_{recipe}",
        f"judge.{recipe}": passed,
    }


def add_attempts(store: Store, time: float) -> None:
    example = Example(text=HOSTILE, target="pump_noise", task="routing")
    blob = store.blobs.put_text(example.text)
    store.datasets.put(Dataset(id=DATASET, task="routing", time=time, blob=blob, counts=documents.counts()))
    store.lineage.link_all([(DATASET, f"int_{k:020d}", "selected") for k in range(60)])
    store.lineage.link(SECOND, DATASET, "learned from")
    for recipe, told, outcome in zip(
        ("naive", "careful"), documents.turn()["candidates"], (Outcome.FAIL, Outcome.PASS), strict=True
    ):
        scores = {name: Score(**told["scores"][name]) for name in ("candidate", "champion", "difference")}
        store.reports.put(
            Report(
                id=f"rep_{recipe}",
                task="routing",
                time=time,
                candidate=told["version"],
                champion=FIRST,
                metric="accuracy",
                candidate_score=scores["candidate"],
                champion_score=scores["champion"],
                difference=scores["difference"],
                groups={name: Score(**score) for name, score in told["scores"]["groups"].items()},
            )
        )
        store.verdicts.put(
            Verdict(
                id=f"vdt_{recipe}",
                task="routing",
                time=time,
                report=f"rep_{recipe}",
                candidate=told["version"],
                outcome=outcome,
                because=told["because"],
            )
        )


def add_alerts(store: Store) -> None:
    """One of a signal, told through two channels of which one gave up, and one that is over."""
    told = Alert(
        id=ALERT,
        task="routing",
        time=START,
        last=START + 60.0,
        kind="novelty",
        severity=Severity.WARNING,
        says=f"routing: requests are unlike those before, such as {HOSTILE}",
        about=SIGNAL,
        remedy=Remedy.LABEL,
        key="routing|novelty|",
        count=3,
        told=1,
    )
    over = replace(told, id="alr_over", about="", key="disk", task="", kind="disk", says="41 MB are free")
    over = replace(over, severity=Severity.CRITICAL, resolved=START + 99.0, because="9,000 MB are free")
    sent = [
        Delivery(id="dlv_ops", alert=ALERT, channel="ops", edition="1", time=START, state=Post.SENT, tries=1),
        Delivery(
            id="dlv_mail", alert=ALERT, channel="mail", edition="1", time=START, state=Post.DEAD, tries=12,
            problem="SMTP 451", body={"secret": "of the message"},
        ),
    ]  # fmt: skip
    store.alerts.tell([over], lambda before, cause: (cause, ()))
    store.alerts.tell([told], lambda before, cause: (cause, sent))
