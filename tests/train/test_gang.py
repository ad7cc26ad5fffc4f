"""A training divided among processes makes the steps of one that is not, and says so when one of them is lost."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from homeostat.errors import LostProcess
from homeostat.train.adapt.lora import Lora
from homeostat.train.fit import fit
from homeostat.train.gang import ALONE, Gang, gang
from homeostat.train.job import Report
from homeostat.train.run import Order, train
from train.divided import follow, work
from train.test_run import accuracy, served


def test_a_part_of_the_rows_for_each() -> None:
    """Together they take every row once, none more than one row more than another; alone, one takes all; a part has at
    most the rows that were asked for, and who has no row has no part.
    """
    rows = list(range(11))
    taken = [Gang(rank, 3).parts(rows, 0) for rank in range(3)]
    assert [len(parts) for parts in taken] == [1, 1, 1]
    assert sorted(row for parts in taken for part in parts for row in part) == rows
    assert {len(part) for parts in taken for part in parts} == {3, 4}
    assert ALONE.parts(rows, 0) == [rows]
    assert [len(part) for part in ALONE.parts(rows, 4)] == [4, 4, 3]
    assert Gang(1, 3).parts([7], 4) == []
    assert ALONE.add([torch.ones(2)], 1.5) == [1.5]
    assert ALONE.first(2.0) == 2.0


@pytest.mark.slow
@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["adapter", "whole"])
def test_two_processes_make_the_steps_of_one(llama: Path, whole: bool) -> None:
    """The same weights to 1e-5 and the same losses, where batches do not divide evenly, and every token is counted."""
    alone = work(str(llama), whole, ALONE)
    fitted = fit(alone)
    with gang(2, partial(follow, str(llama), whole)) as together:
        shared = work(str(llama), whole, together)
        also = fit(shared)
    for one, other in zip(alone.parameters, shared.parameters, strict=True):
        torch.testing.assert_close(other, one, rtol=0, atol=1e-5)
    assert also.progress.best == pytest.approx(fitted.progress.best, abs=1e-5)
    assert also.progress.step == fitted.progress.step
    assert also.progress.flops == pytest.approx(fitted.progress.flops, rel=0.02)  # other rows pad each other


@pytest.mark.slow
def test_a_run_with_dropout_goes_on(llama: Path, tmp_path: Path) -> None:
    """Ended after a look and taken up again by two processes, it leaves the tensors of the run that was not."""
    changes: dict[str, Any] = {"adapt": Lora(rank=4, dropout=0.2), "looks": 4}

    def end(values: dict[str, float]) -> None:
        if values["step"] > 3:
            raise KeyboardInterrupt

    def run(folder: Path, report: Report) -> list[Tensor]:
        with gang(2, partial(follow, str(llama), False, workspace=folder, **changes)) as together:
            job = replace(work(str(llama), False, together, folder, **changes), report=report)
            fit(job)
        return [p.detach().clone() for p in job.parameters]

    whole = run(tmp_path / "whole", lambda values: None)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "again", end)
    again = run(tmp_path / "again", lambda values: None)
    assert all(torch.equal(one, other) for one, other in zip(whole, again, strict=True))


@pytest.mark.slow
def test_a_training_in_two_processes(order: Order) -> None:
    """A whole training leaves a version that has learned, and no process behind."""
    trained = train(replace(order, processes=2))
    backend = served(Path(order.start.base), trained)
    assert accuracy(backend, order.examples) > 0.8
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_lost_process_is_told_of() -> None:
    """A process that ends before the run does is an error with a way on, and not a run that waits for ever."""

    def run() -> None:
        with gang(2, repr) as together:
            for _ in range(3):
                together.add([torch.ones(3)], 1.0)

    with pytest.raises(LostProcess, match="is gone") as raised:
        run()
    assert "checkpoint" in str(raised.value.fix)
