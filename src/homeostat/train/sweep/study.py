"""The memory of a sweep: which values were tried, how far each trial came, and which is to be tried next.

An Optuna study in one SQLite file. Values are drawn by the tree-structured Parzen estimator (Bergstra et al. 2011;
Watanabe 2023, 2304.11127), and a trial is given up by asynchronous successive halving (Li et al. 2020, 1810.05934) when
at a rung it is not among the best third of those that came so far. Any number of processes share it. Whoever works on a
trial holds a lock on a file of its own, which the system takes away from a process that dies: a trial that is under way
and not locked goes on where it stood, in whatever process finds it first.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homeostat.extras import require
from homeostat.train.sweep.space import Choice, Range, Space

RUNGS, THIRD = 9, 3
"""A whole run in looks, and how many trials come to a rung for one that goes on: rungs are at 1, 3 and 9 looks."""
EARLIEST = 8
"""Steps before which no trial is given up: while the rate still rises, the highest ones look the worst."""
DRAWN = 6
"""Trials before what was seen decides where to look next."""
PATIENCE_S = 120
"""Seconds that a process waits for another one's writing."""


class GivenUp(Exception):
    """A trial that is not worth going on with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One trial, as it stands."""

    number: int
    values: Mapping[str, Any]
    state: str
    """`running`, `done`, `given up` (not among the best at a rung), or `failed` (it diverged, or did not fit)."""
    held_out: float | None = None
    """Lowest held-out loss so far, in nats; of one that is done after the rows of the labels were fitted."""
    share: float = 0.0
    """How much of its run it has made; less than all of one that is done and had stopped getting better."""
    flops: float = 0.0
    cpu_seconds: float = 0.0
    why: str = ""
    """Of one that failed."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A trial that this process works on, until it ends or dies."""

    number: int
    values: Mapping[str, Any]
    folder: Path
    """Where its checkpoint lies."""
    first: bool
    """Whether it is the recipe as it stands, which is never given up: it is what all others are compared with."""
    _study: Any
    _trial: Any
    _lock: int
    before: float = 0.0
    """CPU-seconds that earlier processes spent on it."""
    _noted: dict[str, float] = field(default_factory=dict)

    def look(self, step: float, steps: float, held_out: float, spent: Mapping[str, float]) -> None:
        """Write down how far it has come.

        Args:
            step: that is behind it.
            steps: of its run.
            held_out: lowest loss so far.
            spent: `flops` and `cpu_seconds`.

        Raises:
            GivenUp: others were better at this rung.
        """
        share = step / steps
        place = max(1, round(RUNGS * share))
        self._note(share=share, **spent)
        known = self._study.get_trials(deepcopy=False)[self.number].intermediate_values
        if place not in known:  # a look may come again after a kill
            self._trial.report(held_out, place)
        if step < EARLIEST:
            return
        poor = self._trial.should_prune()  # asked of all, for that is how a trial comes to be compared with
        if poor and not self.first and share < 1.0:
            raise GivenUp

    def end(self, held_out: float | None, spent: Mapping[str, float], *, why: str = "") -> None:
        """Write down what came of it (no loss: it was given up, or failed and `why`), and let go of it."""
        self._note(**spent)
        if why:
            self._trial.set_user_attr("why", why)
        if held_out is None:
            self._study.tell(self._trial, state=_optuna().trial.TrialState.PRUNED)
        else:
            self._study.tell(self._trial, held_out)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)

    def leave(self) -> None:
        """Let go of it as it stands; whoever comes next goes on with it."""
        os.close(self._lock)

    def _note(self, **values: float) -> None:
        """In one piece: every writing waits for the disk."""
        self._noted.update(values)
        self._trial.set_user_attr("spent", dict(self._noted))


@dataclass(frozen=True, slots=True)
class Study:
    """A sweep's memory, opened."""

    folder: Path
    space: Space
    seed: int
    own: Mapping[str, Any] | None
    """The values of the recipe as it stands, which are tried first; None where they lie outside the space."""
    _study: Any

    @staticmethod
    def open(folder: Path, space: Space, seed: int, own: Mapping[str, Any] | None) -> Study:
        """The study in a folder, begun there if there is none.

        Raises:
            MissingExtra: optuna is not installed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / "lock"):
            study = _opened(folder)
            if own is not None and not study.trials:
                study.enqueue_trial(dict(own))
        return Study(folder, space, seed, own, study)

    def claim(self, trials: int) -> Claimed | None:
        """A trial to work on: one that its process died over, or a new one while there are fewer; None when done."""
        with _locked(self.folder / "lock"):
            states = _optuna().trial.TrialState
            known = self._study.get_trials(deepcopy=False)
            for each in known:
                if each.state == states.RUNNING and (lock := self._lock(each.number)) is not None:
                    if set(each.params) == set(self.space):
                        return self._claimed(_optuna().trial.Trial(self._study, each._trial_id), lock)
                    os.close(lock)  # it died between being counted and being given values
                    self._study.tell(each.number, state=states.FAIL)
            counted = sum(each.state not in (states.FAIL, states.WAITING) for each in known)
            if counted >= trials:
                return None
            self._study.sampler = _sampler(self.seed, len(known))
            trial = self._study.ask(_distributions(self.space))
            lock = self._lock(trial.number)
            assert lock is not None
            return self._claimed(trial, lock)

    def tried(self) -> list[Tried]:
        """Every trial that has begun, in order."""
        states = _optuna().trial.TrialState
        known = self._study.get_trials(deepcopy=False)
        return [_tried(each) for each in known if each.state not in (states.FAIL, states.WAITING)]

    def importance(self) -> dict[str, float]:
        """How much each value decides about the loss at the first look, which every trial has reached; shares of one.

        By PED-ANOVA (Watanabe et al. 2023, 2304.10255). Empty where there are too few trials to tell.
        """
        optuna, rows = _optuna(), []
        for each in self._study.get_trials(deepcopy=False):
            if each.intermediate_values and set(each.params) == set(self.space):
                first = each.intermediate_values[min(each.intermediate_values)]
                rows.append((first, each.params, each.distributions))
        if len(rows) < DRAWN + 2 or len({row[0] for row in rows}) < 2:
            return {}
        flat = optuna.create_study()
        for value, params, kinds in rows:
            flat.add_trial(optuna.trial.create_trial(params=params, distributions=kinds, value=value))
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(evaluate_on_local=False)
        return dict(optuna.importance.get_param_importances(flat, evaluator=evaluator))

    def _claimed(self, trial: Any, lock: int) -> Claimed:
        first = trial.number == 0 and self.own is not None
        values = trial.params if first else {name: _rounded(value) for name, value in trial.params.items()}
        folder = self.folder / "trials" / f"{trial.number:04}"
        noted = dict(trial.user_attrs.get("spent", {}))
        before = noted.get("cpu_seconds", 0.0)
        return Claimed(trial.number, values, folder, first, self._study, trial, lock, before, noted)

    def _lock(self, number: int) -> int | None:
        """The lock of a trial, or None where a living process holds it."""
        path = self.folder / "trials" / f"{number:04}.lock"
        path.parent.mkdir(exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle


def _optuna() -> Any:
    optuna = require("optuna", "to search for hyper-parameters", extra="sweep")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _opened(folder: Path) -> Any:
    optuna = _optuna()
    storage = optuna.storages.RDBStorage(
        f"sqlite:///{folder / 'study.db'}", engine_kwargs={"connect_args": {"timeout": PATIENCE_S}}
    )
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=THIRD)
    return optuna.create_study(storage=storage, study_name="sweep", pruner=pruner, load_if_exists=True)


def _sampler(seed: int, number: int) -> Any:
    """Seeded by the number of the trial: whoever draws it, after however many kills, draws the same from the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `multivariate` is called experimental
        return _optuna().samplers.TPESampler(
            seed=seed * 10_007 + number, n_startup_trials=DRAWN, multivariate=True, constant_liar=True
        )


def _distributions(space: Space) -> dict[str, Any]:
    kinds = _optuna().distributions

    def of(each: Range | Choice) -> Any:
        if isinstance(each, Choice):
            return kinds.CategoricalDistribution(each.among)
        if each.whole:
            return kinds.IntDistribution(int(each.low), int(each.high), log=each.log)
        return kinds.FloatDistribution(each.low, each.high, log=each.log)

    return {name: of(each) for name, each in space.items()}


def _rounded(value: Any) -> Any:
    """Three digits: more say nothing, and are not fit to be pasted."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _tried(each: Any) -> Tried:
    state, attrs, noted = each.state.name.lower(), each.user_attrs, each.user_attrs.get("spent", {})
    seen = each.value if state == "complete" else min(each.intermediate_values.values(), default=None)
    ended = {"complete": "done", "running": "running"}.get(state, "failed" if "why" in attrs else "given up")
    first = "fixed_params" in each.system_attrs
    return Tried(
        number=each.number,
        values=each.params if first else {name: _rounded(value) for name, value in each.params.items()},
        state=ended,
        held_out=seen,
        share=noted.get("share", 0.0),
        flops=noted.get("flops", 0.0),
        cpu_seconds=noted.get("cpu_seconds", 0.0),
        why=attrs.get("why", ""),
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone for the length of the block, among all processes."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
