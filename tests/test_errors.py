"""Errors: their exit codes, how they read, and how they are read back."""

from __future__ import annotations

import errno
import os
import pickle

import pytest
from safetensors import SafetensorError

from homeostat.errors import (
    HomeostatError,
    NotText,
    PortInUse,
    StoreFull,
    UnknownKey,
    did_you_mean,
    full_disk_named,
    read_back,
    refused_named,
)

KINDS = HomeostatError.__subclasses__()


def test_every_kind_of_error_has_an_exit_code_of_its_own() -> None:
    """The code without its middle 0: none twice, none that a shell or a wrong call of a command means something by."""
    exits = [kind.exit for kind in KINDS]
    assert len(set(exits)) == len(exits)
    assert min(exits) > 2
    assert max(exits) < 126
    assert (StoreFull.code, StoreFull.exit) == ("E402", 42)
    assert all(kind.code == f"E{kind.exit // 10}0{kind.exit % 10}" for kind in KINDS)


def test_an_error_of_somebody_elses_shares_its_parents_code() -> None:
    """A class that has no code of its own is what it is derived from."""

    class Narrower(StoreFull):
        """A full disk of a certain kind."""

    assert (Narrower.code, Narrower.exit) == ("E402", 42)


@pytest.mark.parametrize(("where", "fix"), [("", ""), ("x line 3", ""), ("", "do this"), ("x (y) line 3", "do (this)")])
def test_what_is_printed_can_be_read_back(where: str, fix: str) -> None:
    """From a process's output, whatever else stands in it, comes the error that it printed last."""
    problem = PortInUse("port 80 is (really) in use", where=where, fix=fix)
    found = read_back(f"ready\n{UnknownKey('before')}\nwarning: E501\n{problem}\n\nbye")
    assert type(found) is PortInUse
    assert (found.what, found.where, found.fix) == (problem.what, where, fix)


@pytest.mark.parametrize("printed", ["", "Traceback\nValueError: E501", "E999 no such code"])
def test_where_no_error_was_printed_there_is_none(printed: str) -> None:
    """A traceback or an unknown code is no error of ours."""
    assert read_back(printed) is None


def test_an_error_survives_a_process_boundary() -> None:
    """Pickled and unpickled it says the same."""
    problem = UnknownKey("what", where="where", fix="fix")
    assert str(pickle.loads(pickle.dumps(problem))) == str(problem)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("kind", [OSError, SafetensorError])
def test_a_full_disk_has_its_name(number: int, kind: type[Exception]) -> None:
    """Whether the system raises or the safetensors library, which only spells the number out."""
    told = OSError(number, os.strerror(number), "x") if kind is OSError else kind(f"I/O error: (os error {number})")
    with pytest.raises(StoreFull, match=r"E402 no room  \(there\)"), full_disk_named("no room", where="there"):
        raise told


def test_another_failure_keeps_its_own_name() -> None:
    """What is no full disk passes."""
    with pytest.raises(FileNotFoundError), full_disk_named("no room"):
        open("no/such/file")  # noqa: PTH123, SIM115
    with pytest.raises(ValueError, match="os error 280"), full_disk_named("no room"):
        raise ValueError("os error 280")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_place_that_is_not_ours_is_named(number: int) -> None:
    """With what the system says; what names no place, and what is something else, passes."""
    with pytest.raises(NotText, match=rf"E203 it is not allowed: {os.strerror(number)}  \(there\)"), refused_named():
        raise OSError(number, os.strerror(number), "there")
    for other in (OSError(number, "nowhere"), OSError(errno.ENOENT, "no", "there"), ValueError("no")):
        with pytest.raises(type(other)) as passed, refused_named():
            raise other
        assert passed.value is other


def test_the_nearest_known_name_is_suggested() -> None:
    """Of near names the nearest is named; of a far one only the list is given."""
    assert did_you_mean("gatewy", ["gateway", "train"]) == "known: gateway, train — did you mean 'gateway'?"
    assert "did you mean" not in did_you_mean("zzzzzz", ["gateway", "train"])
    assert did_you_mean("golden", []) == "none is known yet"
