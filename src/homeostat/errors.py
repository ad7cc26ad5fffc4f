"""Every error a user can meet: a code, what is wrong, where, and how to fix it.

Each class has a page `docs/reference/errors/CODE.md`, by test. Exit codes are grouped: 2 configuration, 3 input,
4 model or weights, 5 store, 6 gateway, 7 loop. Codes are never reused.
"""

from __future__ import annotations

from collections.abc import Iterable


class HomeostatError(Exception):
    """Base of all errors with a code. Prints as `CODE what (where)`, then the fix."""

    code = "E000"
    exit = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.fix = what, where, fix

    def __str__(self) -> str:
        head = f"{self.code} {self.what}" + (f"  ({self.where})" if self.where else "")
        return head + (f"\n  fix: {self.fix}" if self.fix else "")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.fix)


def _rebuild(kind: type[HomeostatError], what: str, where: str, fix: str) -> HomeostatError:
    return kind(what, where=where, fix=fix)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that lists what is known and names the nearest, e.g. `known: ks, mmd — did you mean 'ks'?`."""
    names = sorted(known)
    near = min(names, key=lambda k: _distance(name, k), default="")
    hint = f" — did you mean '{near}'?" if near and _distance(name, near) <= max(2, len(name) // 3) else ""
    return f"known: {', '.join(names)}{hint}"


def _distance(a: str, b: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


class UnknownKey(HomeostatError):
    """A key of the configuration that does not exist."""

    code, exit = "E101", 2


class WrongType(HomeostatError):
    """A value of the configuration that is not of the knob's type or range."""

    code, exit = "E102", 2


class UnknownPlugin(HomeostatError):
    """A name that no built-in and no installed plugin provides."""

    code, exit = "E103", 2


class MissingExtra(HomeostatError, ImportError):
    """An optional package that this capability needs is not installed."""

    code, exit = "E104", 2


class NoProject(HomeostatError):
    """There is no homeostat.yaml here."""

    code, exit = "E105", 2


class TakenName(HomeostatError):
    """A plugin's name that somebody else provides already."""

    code, exit = "E106", 2


class BrokenPlugin(HomeostatError):
    """A plugin that is installed but cannot be loaded, or that came after the names were closed."""

    code, exit = "E107", 2


class ProjectExists(HomeostatError):
    """A homeostat.yaml that is there already and would be overwritten."""

    code, exit = "E108", 2


class BadStream(HomeostatError, ValueError):
    """A stream file that cannot be read as one JSON object a line."""

    code, exit = "E201", 3


class EmptyStream(HomeostatError, ValueError):
    """A stream without rows, or without a split that the story needs."""

    code, exit = "E202", 3


class NotText(HomeostatError, ValueError):
    """A file that is not UTF-8 text."""

    code, exit = "E203", 3


class UnknownLabel(HomeostatError, ValueError):
    """A label that the label set does not hold."""

    code, exit = "E204", 3


class NotARepository(HomeostatError, ValueError):
    """A folder without a git history to make a stream of."""

    code, exit = "E205", 3


class NothingToTrainOn(HomeostatError, ValueError):
    """A dataset with no usable examples."""

    code, exit = "E206", 3


class ModelNotFound(HomeostatError, FileNotFoundError):
    """A model folder or hub name that is not there."""

    code, exit = "E301", 4


class CorruptWeights(HomeostatError, ValueError):
    """An adapter or weights file that is damaged or does not fit its base."""

    code, exit = "E302", 4


class UnsafeWeights(HomeostatError, ValueError):
    """Weights in a format that can run code (pickle); only safetensors are loaded."""

    code, exit = "E303", 4


class Diverged(HomeostatError, ArithmeticError):
    """Training produced a loss that is not a number."""

    code, exit = "E304", 4


class UnsuitedModel(HomeostatError, ValueError):
    """A model whose architecture cannot do the task."""

    code, exit = "E305", 4


class NotFound(HomeostatError, LookupError):
    """An id that the store does not hold."""

    code, exit = "E401", 5


class StoreFull(HomeostatError, OSError):
    """The disk is full; nothing that was stored before has changed."""

    code, exit = "E402", 5


class StoreUnreachable(HomeostatError, ConnectionError):
    """The database cannot be opened."""

    code, exit = "E403", 5


class Tampered(HomeostatError, ValueError):
    """Content that does not match its hash."""

    code, exit = "E404", 5


class PortInUse(HomeostatError, OSError):
    """Another program listens on the gateway's port."""

    code, exit = "E501", 6


class BadRequest(HomeostatError, ValueError):
    """A request body that the gateway cannot read."""

    code, exit = "E502", 6


class NothingReleased(HomeostatError, LookupError):
    """A task that no version answers yet."""

    code, exit = "E503", 6


class NotReleasable(HomeostatError, ValueError):
    """A version that cannot take this step of a release from the state it is in."""

    code, exit = "E601", 7


class NoWayBack(HomeostatError, LookupError):
    """A rollback where no earlier version is left."""

    code, exit = "E602", 7


class NoWorker(HomeostatError):
    """A turn was asked for and no worker runs that could take it."""

    code, exit = "E603", 7


class TurnFailed(HomeostatError):
    """A turn that broke off with an error instead of coming to its end."""

    code, exit = "E604", 7
