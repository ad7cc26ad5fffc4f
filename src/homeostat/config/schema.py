"""Every knob of `homeostat.yaml`, with its default, its unit and its range, declared here and nowhere else.

One frozen dataclass per section; the text under a field is the knob's documentation, and
`docs/reference/configuration.md` is generated from it. A house test keeps the number of knobs at 100 or fewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from homeostat.errors import UnknownKey, WrongType, did_you_mean
from homeostat.types.task import Kind, Task

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What values a knob takes beyond its type; the loader holds it, the reference page prints it."""

    least: float | None = None
    most: float | None = None
    among: tuple[str, ...] = ()


def knob(default: T, *, least: float | None = None, most: float | None = None, among: tuple[str, ...] = ()) -> T:
    """A field with a default and limits."""
    limits = Limits(least=least, most=most, among=among)
    return cast("T", field(default=default, metadata={"limits": limits}))  # type: ignore[redundant-cast]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The base model that every version starts from."""

    base: str = "builtin"
    """`builtin` (ships with Homeostat), a hub name such as `HuggingFaceTB/SmolLM2-135M-Instruct`, or a folder; a
    relative one lies beside `homeostat.yaml`. Where a vLLM server answers with that base: `http://HOST:8000#BASE`."""
    threads: int = knob(1, least=1)
    """CPU threads the model computes with in each process."""
    precision: str = knob("float32", among=("auto", "float32", "bfloat16"))
    """What prompts are read in on a CPU. `bfloat16` halves the time of full batches where the hardware has it, which
    `auto` asks; a reply's confidence then depends, in the third digit, on the rows that were read beside it."""

    @property
    def weights(self) -> str:
        """The base as it is opened and trained on here, wherever it answers."""
        return self.base.partition("#")[2] if self.server else self.base

    @property
    def server(self) -> str:
        """Address of the server that answers with the base and its adapters; empty where this machine does."""
        url = self.base.partition("#")[0].rstrip("/").removesuffix("/v1")
        return url if url.startswith(("http://", "https://")) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Where rows and files are kept."""

    url: str = ""
    """SQLAlchemy URL of the database (`sqlite:///…` or `postgresql+psycopg://…`). Empty: SQLite in `folder`."""
    blobs: str = ""
    """Folder for datasets and weights, named by their content; a relative one lies beside `homeostat.yaml`. Empty:
    `blobs` in `folder`."""


GONE = {
    "monitor.bins": "leave it out: there are 512 bins, and what watched with other ones begins anew",
}
"""Knobs that there were, and what to do about them."""
METRICS = {Kind.LABEL: "accuracy", Kind.TEXT: "chrf"}
"""What quality is measured by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """One named job the model does; `tasks` holds any number of them, by name."""

    kind: Kind = Kind.LABEL
    """`label`: the reply is one of a growing set of labels. `text`: the reply is free text, a number, or a
    list of tags."""
    instruction: str = ""
    """System message that every request of this task carries."""
    instructions: tuple[str, ...] = ()
    """Further ones, which a search for a better one may try (`policies.NAME.strategy: cheapest`)."""
    metric: str = ""
    """What quality is measured by: `accuracy` for labels, `chrf` for text, and so it is if left empty. Replies that are
    a JSON number or a list of tags are compared by how near they are, and by F1."""
    labels: tuple[str, ...] = ()
    """Labels known from the start: a list, or the name of a UTF-8 text file with one label a line."""
    objective_at_least: float | None = knob(None, least=0.0)
    """Value of the metric below which the task counts as failing. Empty: no such line is drawn."""
    objectives: Mapping[str, Any] = field(default_factory=dict)
    """Further objectives, by a name of your own, e.g. `{faster: {metric: latency_ms, change: -15%, since: 2026-01-01,
    by: 2026-03-31}, accuracy: {at_least: 0.9, alert: 0.85}}`; `docs/how-to/set-objectives.md` has the metrics."""
    fair: Mapping[str, Any] = field(default_factory=dict)
    """Tags whose values the gate holds a candidate to treat alike, with the widest gap, e.g. `{language: 0.1}`;
    `docs/how-to/fairness.md` has the measures."""
    decide: Mapping[str, Any] = field(default_factory=dict, metadata={"some_of": lambda: Decide})
    """What of `decide` is this task's own, e.g. `{value_per_correct: 25, min_labels: 200}`. What is not named is as for
    every task."""
    policy: str = ""
    """Name of the entry of `policies` that says when it is retrained. Empty: as soon as there are labels enough to
    decide, by value."""
    unsure_below: float = knob(0.0, least=0.0, most=1.0)
    """Confidence in its label below which a version abstains; 0 never. A label that it does not know ends here."""
    unsure_reply: str = "unsure"
    """Reply where a version abstains, for instance the name of a queue that people look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The OpenAI-compatible door."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = knob(8400, least=0, most=65535)
    """Port to listen on; 0 takes any free one."""
    batch: int = knob(32, least=1)
    """Most requests answered in one forward pass; where a server answers, most that are under way there."""
    trust_client_time: bool = False
    """Whether a request may carry its own time (`metadata.time`); for replays of recorded traffic only."""
    durable: bool = True
    """Whether a reply waits until its row is on disk. If false, rows of the last moments may be lost in a crash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """When a signal fires."""

    false_alarm_every: int = knob(500_000, least=100)
    """Mean number of interactions to a false alarm is at least this while nothing moves."""
    neighbors: int = knob(5, least=1)
    """Nearest neighbors whose mean distance says how unlike the training set a request is."""
    min_reference: int = knob(300, least=10)
    """Interactions to calibrate on before watching begins."""
    embedding: str = "served"
    """What requests are laid out by: `served` (hidden states of the model that answers), a folder or hub name of an
    encoder, `builtin`, `ngrams`, `https://HOST/v1#MODEL` (key in `OPENAI_API_KEY`), or a plugin's name;
    `docs/how-to/embed-with-another-model.md`."""
    seed: int = knob(0, least=0)
    """Seed of the random numbers that break ties between ranks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """When retraining pays. Values and prices share one unit, whichever you think in."""

    value_per_correct: float = knob(1.0, least=0.0)
    """What one more correct reply is worth: what a right one earns, and what a wrong one would have cost."""
    price_per_cpu_hour: float = knob(0.1, least=0.0)
    """What an hour of one CPU costs."""
    price_per_gpu_hour: float = knob(2.0, least=0.0)
    """What an hour of one GPU costs, where trainings have one."""
    price_per_label: float = knob(0.5, least=0.0)
    """What one label from a person costs."""
    horizon_requests: int = knob(10_000, least=1)
    """Requests over which a gain is counted: what comes later is left out."""
    min_labels: int = knob(60, least=1)
    """Labels since the champion was trained, below which no retraining is decided."""
    cool_down_s: float = knob(0.0, least=0.0)
    """Seconds after a retraining before the next may be decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When a task is retrained, of how much, and by whose leave: trigger, strategy and action. `policies` holds any
    number of them, by a name of your own that tasks give; tasks with the same policy share its budget.
    """

    any: Mapping[str, Any] = field(default_factory=dict)
    """Triggers of which one is enough, with their lines, e.g. `{schedule: every 3 months, labels: 500, drift: any}`;
    `docs/how-to/write-a-policy.md` has them. If this and `all` are empty: `decide.min_labels` labels after a signal, or
    ten times as many without one."""
    all: Mapping[str, Any] = field(default_factory=dict)
    """Triggers that must all hold besides."""
    strategy: str = "value"
    """What decides once it has been triggered: `value` (does it pay?), `cheapest` (of several ways that are probed, the
    one that pays most, or the cheapest that meets an objective), `always`, or a plugin's."""
    action: str = knob("retrain", among=("retrain", "propose", "review", "advise", "drill"))
    """What happens where it pays: `retrain`; `propose`: the turn waits until somebody approves; `review`: it
    trains, and what the gate lets pass waits until somebody signs its release off; `advise`: a row that says so, and
    nothing else. `drill` stands apart: no task names such a policy, and at the moments of its `schedule` the worker
    releases to a few a version that is broken on purpose, for every task, one kind after the other."""
    look: str = "1h"
    """Time between two looks at the triggers."""
    hold: int = knob(1, least=1)
    """Looks in a row at which a trigger must hold."""
    rearm: float = knob(1.0, least=0.0, most=1.0)
    """Share of its line below which a trigger must fall, once something was done about it, before it fires again for
    the same version."""
    cool_down: str = ""
    """Time after a retraining was decided in which no other is, e.g. `7d`."""
    budget: Mapping[str, Any] = field(default_factory=dict)
    """What all its tasks may take together: any of `money`, `cpu_hours`, `gpu_hours`, `labels` and `retrainings`,
    `per` `day`, `week`, `month` (if it does not say), `quarter` or `year`."""
    quiet: tuple[str, ...] = ()
    """When no turn starts and no release goes forward, e.g. `[Fri 16:00-24:00, "Sat,Sun", 12-24 - 01-02]`: hours, days
    of the week, and dates of one year or of every year; without days, every day. A release goes back at any hour."""
    zone: str = "UTC"
    """Time zone of schedules, quiet hours and periods, e.g. `Europe/Berlin`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curate:
    """How a dataset is built from the log."""

    replay: float = knob(1.0, least=0.0)
    """Replayed old examples per new example."""
    max_rows: int = knob(20_000, least=1)
    """Most examples in a dataset."""
    near_duplicate: float = knob(0.9, least=0.0, most=1.0)
    """Similarity of two texts (Jaccard of their shingles) from which on one of them is dropped."""
    max_per_label: int = knob(0, least=0)
    """Most new examples of one label; 0 for no limit."""
    trusted: tuple[str, ...] = ()
    """Sources of feedback (`source`) that are believed in any case, and may give any part of a dataset."""
    seed: int = knob(0, least=0)
    """Seed of the draw of replayed examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """How a candidate is trained."""

    adapt: str = knob("lora", among=("lora", "full"))
    """What is trained: `lora` (a low-rank adapter on every linear layer) or `full` (all weights)."""
    rank: int = knob(16, least=1)
    """Rank of the adapter."""
    lr: float = knob(2e-3, least=0.0)
    """Highest learning rate of a run from the bare base, and of a naive one; reached after warm-up. 0 takes what suits
    the width of the base, for bases larger than the built-in one."""
    warm_lr: float = knob(1.5e-3, least=0.0)
    """Highest learning rate of a careful run, which goes on from the champion; a high one throws away what it knows.
    One that makes fewer than three passes takes a higher one. 0 takes three quarters of what suits the width
    of the base."""
    epochs: int = knob(6, least=1)
    """Most passes over the dataset; early stopping may end sooner, and a careful run makes fewer."""
    warm_share: float = knob(0.2, least=0.01, most=1.0)
    """Cost of a careful run on a label task, as a share of retraining on everything remembered from the bare base: it
    makes as many passes as that pays for, 1.25 and 32 steps at least. Elsewhere it makes half of `epochs`."""
    batch_rows: int = knob(32, least=1)
    """Examples per optimizer step."""
    warmup: float = knob(0.03, least=0.0, most=1.0)
    """Share of the steps over which the learning rate rises to its highest."""
    kl: float = knob(2.0, least=0.0)
    """Weight of the penalty for leaving the champion's replies on replayed examples."""
    refit: bool = knob(True)
    """Whether the rows of the labels are fitted to all remembered examples at once when training has ended."""
    carry: bool = knob(False)
    """Whether a version keeps the states of remembered examples, so that its successor need not read them anew for
    `refit`: two bytes a number, as many numbers an example as the model is wide."""
    processes: int = knob(1, least=1)
    """Processes that a batch is divided among, each with `model.threads` threads, or a GPU of its own where there are
    enough."""
    patience: int = knob(3, least=1)
    """Epochs without a better held-out loss before training stops."""
    held_out: float = knob(0.1, least=0.0, most=0.5)
    """Share of the dataset that is kept from training to decide when to stop."""
    seed: int = knob(0, least=0)
    """Seed of initialization, order and held-out draw."""
    attempts: tuple[str, ...] = ("careful",)
    """Recipes tried in this order until the gate lets a candidate pass."""
    mend: bool = knob(True)
    """Whether, when all were refused, the last candidate is mended and tried again: as a version between the champion
    and it, and if that will not do, taught by the champion what it has forgotten."""
    track: tuple[str, ...] = ()
    """Who is told of every run besides the project's own pages: any of `tensorboard`, `mlflow` and `wandb`."""
    recipes: Mapping[str, Any] = field(default_factory=dict)
    """Recipes of your own, by name: each is `like` a built-in one (`careful` if it does not say), but for the fields it
    gives; `docs/reference/methods.md` has them, and all methods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """How `homeostat sweep` looks for better values of a recipe."""

    trials: int = knob(16, least=1)
    """Trainings, those that are given up early among them."""
    jobs: int = knob(1, least=1)
    """Processes that train side by side."""
    space: Mapping[str, Any] = field(default_factory=dict)
    """What is tried: a field of the recipe -> `{low, high, log}` or a list of values; `rank` and `kl` are short names.
    Empty: the rate within a factor of ten, and rank, passes and `kl` where the run can choose them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluate:
    """What a candidate must prove before anybody gets its replies."""

    alpha: float = knob(0.05, least=1e-6, most=0.5)
    """Probability of passing a candidate that is not better."""
    margin: float = knob(0.02, least=0.0, most=1.0)
    """How much worse a guard group may get where it has rows enough to see that much."""
    min_gain: float = knob(0.0, least=0.0, most=1.0)
    """Gain of the metric that a candidate must exceed."""
    small_margin: float = knob(0.05, least=0.0, most=1.0)
    """The widest margin: a group with too few rows for `margin` is held to the tightest one that its rows can show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """How a candidate comes to answer users."""

    shadow_pairs: int = knob(60, least=0)
    """Requests answered by both versions, unseen by users, before the canary opens; 0 skips the shadow."""
    canary_share: tuple[float, ...] = knob((0.0125, 0.05, 0.2), least=0.0, most=1.0)
    """Shares of episodes that the candidate answers in the canary, one after the other: each is held until its part of
    `canary_feedback` is judged and no harm was shown. One number is one share from the first to the last."""
    canary_feedback: int = knob(40, least=0)
    """Labeled replies of the candidate before it can take all traffic."""
    most_feedback: int = knob(400, least=1)
    """Labeled pairs of a canary after which a candidate that has not shown itself fit is taken back; where no gate let
    it pass, as many as give that number in the rarest slice that is guarded."""
    alpha: float = knob(0.05, least=1e-6, most=0.5)
    """Probability of taking a candidate that is worse by `harm_margin` to all traffic, however often one looks."""
    harm_alpha: float = knob(0.01, least=1e-6, most=0.5)
    """Probability of withdrawing a candidate that does no harm, however often one looks."""
    harm_margin: float = knob(0.05, least=0.0, most=1.0)
    """How much worse than the champion, overall or in a slice, counts as harm."""
    poll_s: float = knob(0.5, least=0.01)
    """Seconds between two looks at the newest release row."""
    signed: bool = knob(False)
    """Whether only versions with a signature of a trusted key are released and loaded; new ones are then signed with
    the project's own key."""

    @property
    def ramp(self) -> tuple[float, ...]:
        """The shares of the canary as they are given, the least first, each once."""
        return tuple(sorted(set(self.canary_share))) or (0.0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way in which people are told; `alerts.channels` holds any number of them, by name."""

    kind: str = knob("webhook", among=("email", "slack", "teams", "webhook"))
    """What listens there: a program of yours (`webhook`, JSON, signed), a chat, or a mail server."""
    url: str = ""
    """Where: `https://…`, or `smtps://user@host`, `smtp://user@host:587` (then STARTTLS) for `email`."""
    url_from: str = ""
    """Environment variable that holds the URL, where it is a secret itself, as a chat's is."""
    secret_from: str = ""
    """Environment variable that holds what a webhook is signed with, or the password for a mail server."""
    sender: str = ""
    """Address that mail comes from."""
    to: tuple[str, ...] = ()
    """Addresses that mail goes to."""
    least: str = knob("warning", among=("info", "warning", "critical"))
    """Alerts below this severity are not told here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """When people are told, and how."""

    window_s: float = knob(3600.0, least=0.0)
    """What comes again within so many seconds (same task, kind and slice) is the same alert, with a higher count."""
    cool_down_s: float = knob(14_400.0, least=0.0)
    """Seconds after telling of it in which it is not told again, unless it has become more severe."""
    tries: int = knob(12, least=1)
    """Times that a delivery is tried, at growing distances, before it is given up; twelve take some three hours."""
    timeout_s: float = knob(10.0, least=0.1)
    """Seconds that a receiver has for each part of an answer."""
    channels: Mapping[str, Channel] = field(default_factory=dict)
    """Who is told, by a name of your own; each as below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole of `homeostat.yaml`."""

    project: str = "homeostat"
    """Name of the project, printed on pages and reports."""
    folder: str = ".homeostat"
    """Folder for everything the project keeps (database, blobs, logs); a relative one lies beside `homeostat.yaml`."""
    model: Model = field(default_factory=Model)
    store: Store = field(default_factory=Store)
    tasks: Mapping[str, Tasks] = field(default_factory=dict)
    gateway: Gateway = field(default_factory=Gateway)
    monitor: Monitor = field(default_factory=Monitor)
    decide: Decide = field(default_factory=Decide)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    curate: Curate = field(default_factory=Curate)
    train: Train = field(default_factory=Train)
    sweep: Sweep = field(default_factory=Sweep)
    evaluate: Evaluate = field(default_factory=Evaluate)
    release: Release = field(default_factory=Release)
    alerts: Alerts = field(default_factory=Alerts)

    @property
    def database(self) -> str:
        """URL of the database: `store.url`, or SQLite in `folder`."""
        return self.store.url or f"sqlite:///{Path(self.folder) / 'homeostat.db'}"

    @property
    def blobs(self) -> str:
        """Folder of the blobs: `store.blobs`, or `blobs` in `folder`."""
        return self.store.blobs or str(Path(self.folder) / "blobs")

    def task(self, name: str, *, where: str = "tasks") -> Task:
        """The task of this name, with its default metric filled in.

        Raises:
            UnknownKey: `tasks` has no such name; `where` says who named it.
            WrongType: its metric is not one of its kind.
        """
        if name not in self.tasks:
            raise UnknownKey(f"unknown task '{name}'", where=where, fix=did_you_mean(name, self.tasks))
        entry = self.tasks[name]
        metric = METRICS[entry.kind]
        if entry.metric not in ("", metric):
            what, place = f"a task of kind {entry.kind} has no '{entry.metric}'", f"tasks.{name}.metric"
            raise WrongType(what, where=place, fix=f"write {metric}")
        return Task(
            name=name,
            kind=entry.kind,
            instruction=entry.instruction,
            metric=metric,
            labels=entry.labels,
            unsure_below=entry.unsure_below,
            unsure_reply=entry.unsure_reply,
        )

    def deciding(self, task: str) -> Decide:
        """How decisions about one task are made: the common settings, and what the task has of its own."""
        return replace(self.decide, **self.tasks[task].decide)
