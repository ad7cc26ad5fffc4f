"""One check."""

from __future__ import annotations

import importlib

from homeostat.cli.check import Check, Level, attempted
from homeostat.errors import PortInUse


def raising(problem: Exception) -> Check:
    """A look that fails."""

    def look() -> Check:
        raise problem

    return attempted("it", look)


def test_what_is_found_is_handed_on() -> None:
    """A look that succeeds is the check."""
    check = Check(name="it", found="fine")
    assert attempted("it", lambda: check) is check
    assert check.level is Level.OK


def test_an_error_with_a_code_brings_its_own_fix() -> None:
    """Code, what, where and fix of the error become the finding."""
    check = raising(PortInUse("port 1 is in use", where="here", fix="take another"))
    assert (check.level, check.found, check.fix) == (Level.FAIL, "E501 port 1 is in use (here)", "take another")


def test_a_package_that_cannot_be_imported() -> None:
    """A broken installation is a finding, with how to mend it."""

    def look() -> Check:
        return Check(name="it", found=importlib.import_module("no_such_package_at_all").__name__)

    check = attempted("it", look)
    assert check.level is Level.FAIL
    assert "no_such_package_at_all" in check.found
    assert check.fix.startswith("pip install")


def test_anything_else_is_a_finding_too() -> None:
    """Nothing that a look meets ends the examination."""
    check = raising(ZeroDivisionError("by zero"))
    assert (check.level, check.found) == (Level.FAIL, "ZeroDivisionError: by zero")
