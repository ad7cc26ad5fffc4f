"""Every error a user can meet: a code, what is wrong, where, and how to fix it.

Each class has a page `docs/reference/errors/CODE.md`, by test, and an exit code of its own that follows from its code:
E1xx configuration, E2xx input, E3xx model or weights, E4xx store, E5xx gateway, E6xx loop. Codes are never reused.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space, no quota, and a limit on the size of one file."""
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
"""Not allowed, and a file system that nobody may write."""
# safetensors raises a class of its own that has no number, only words.
_FULL_IN_WORDS = re.compile(rf"os error ({'|'.join(map(str, _FULL))})\b")
_PRINTED = re.compile(r"^(E\d{3}) (.*?)(?:  \((.*)\))?(?:\n  fix: (.*))?$", re.MULTILINE)


class HomeostatError(Exception):
    """Base of all errors with a code. Prints as `CODE what (where)`, then the fix."""

    code = "E000"
    exit = 1
    """Exit code of a command that ends with it: the code without its middle 0, so E402 ends with 42."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.exit = 10 * int(cls.code[1]) + int(cls.code[2:])

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


def read_back(printed: str) -> HomeostatError | None:
    """The last error among the lines that another process of ours printed; None if there is none."""
    kinds = {kind.code: kind for kind in HomeostatError.__subclasses__()}
    for code, what, where, fix in reversed(_PRINTED.findall(printed)):
        if code in kinds:
            return kinds[code](what, where=where, fix=fix)
    return None


@contextmanager
def full_disk_named(what: str, *, where: str = "") -> Iterator[None]:
    """Give a write that fails for want of space its name; every other failure passes as it is.

    Raises:
        StoreFull: `what`, at `where` or at the file that could not be written.
    """
    try:
        yield
    except Exception as problem:
        if getattr(problem, "errno", None) not in _FULL and not _FULL_IN_WORDS.search(str(problem)):
            raise
        place = where or str(getattr(problem, "filename", None) or "the current folder")
        raise StoreFull(what, where=place, fix="free some space; nothing stored has changed") from problem


@contextmanager
def refused_named() -> Iterator[None]:
    """Give a file or folder that the system keeps us from reading or writing its name; every other failure passes.

    Raises:
        NotText: which one, and what the system says.
    """
    try:
        yield
    except OSError as problem:
        if isinstance(problem, HomeostatError) or problem.errno not in _REFUSED or not problem.filename:
            raise
        fix = "name a place of yours, or let this user in"
        raise NotText(f"it is not allowed: {problem.strerror}", where=str(problem.filename), fix=fix) from problem


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that lists what is known and names the nearest, e.g. `known: ks, mmd — did you mean 'ks'?`."""
    names = sorted(known)
    if not names:
        return "none is known yet"
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

    code = "E101"


class WrongType(HomeostatError):
    """A value of the configuration that is not of the knob's type or range."""

    code = "E102"


class UnknownPlugin(HomeostatError):
    """A name that no built-in and no installed plugin provides."""

    code = "E103"


class MissingExtra(HomeostatError, ImportError):
    """An optional package that this capability needs is not installed."""

    code = "E104"


class NoProject(HomeostatError):
    """There is no homeostat.yaml here."""

    code = "E105"


class TakenName(HomeostatError):
    """A plugin's name that somebody else provides already."""

    code = "E106"


class BrokenPlugin(HomeostatError):
    """A plugin that is installed but cannot be loaded, or that came after the names were closed."""

    code = "E107"


class ProjectExists(HomeostatError):
    """A homeostat.yaml that is there already and would be overwritten."""

    code = "E108"


class MissingVariable(HomeostatError, LookupError):
    """An environment variable that the configuration names and that is not set."""

    code = "E109"


class BadStream(HomeostatError, ValueError):
    """A stream file that cannot be read as one JSON object a line."""

    code = "E201"


class EmptyStream(HomeostatError, ValueError):
    """A stream without rows, or without a split that the story needs."""

    code = "E202"


class NotText(HomeostatError, ValueError):
    """A file that is not UTF-8 text."""

    code = "E203"


class UnknownLabel(HomeostatError, ValueError):
    """A label that the label set does not hold."""

    code = "E204"


class NotARepository(HomeostatError, ValueError):
    """A folder without a git history to make a stream of."""

    code = "E205"


class NothingToTrainOn(HomeostatError, ValueError):
    """A dataset with no usable examples."""

    code = "E206"


class LeakedAnswer(HomeostatError, ValueError):
    """Requests that say their own label, so that a model would learn to read it off."""

    code = "E207"


class BadWindow(HomeostatError, ValueError):
    """A window of traffic that cannot be read, holds too few rows, or shares some with the one it is compared with."""

    code = "E208"


class BadTarget(HomeostatError, ValueError):
    """A row's reply that is not of the form a head learns: a finite number, or a list of tags."""

    code = "E209"


class NotServed(HomeostatError, ConnectionError):
    """A server that should answer with a version and does not: out of reach, refusing, or with another base."""

    code = "E300"


class ModelNotFound(HomeostatError, FileNotFoundError):
    """A model folder or hub name that is not there."""

    code = "E301"


class CorruptWeights(HomeostatError, ValueError):
    """An adapter or weights file that is damaged or does not fit its base."""

    code = "E302"


class UnsafeWeights(HomeostatError, ValueError):
    """Weights in a format that can run code (pickle); only safetensors are loaded."""

    code = "E303"


class Diverged(HomeostatError, ArithmeticError):
    """Training produced a loss that is not a number."""

    code = "E304"


class UnsuitedModel(HomeostatError, ValueError):
    """A model whose architecture cannot do the task."""

    code = "E305"


class OutOfMemory(HomeostatError, MemoryError):
    """A model of which not even one row can be trained on in the memory there is."""

    code = "E306"


class NoTeacher(HomeostatError, ConnectionError):
    """A model elsewhere that should teach and does not answer, or not so that one could learn from it."""

    code = "E307"


class LostProcess(HomeostatError, ConnectionError):
    """A process of a training that was divided among several, or one that was to be measured, has gone too soon."""

    code = "E308"


class Unsigned(HomeostatError, PermissionError):
    """A version without a good signature of a trusted key where one is demanded, or a key that cannot be used."""

    code = "E309"


class NotFound(HomeostatError, LookupError):
    """An id that the store does not hold."""

    code = "E401"


class StoreFull(HomeostatError, OSError):
    """The disk is full; nothing that was stored before has changed."""

    code = "E402"


class StoreUnreachable(HomeostatError, ConnectionError):
    """The database cannot be opened."""

    code = "E403"


class Tampered(HomeostatError, ValueError):
    """Content that does not match its hash."""

    code = "E404"


class BadArchive(HomeostatError, ValueError):
    """A file that is no archive of a version, or in which something is not what its manifest says."""

    code = "E405"


class NotErased(HomeostatError):
    """Something of what was to be erased is left, or a file could not be looked into."""

    code = "E406"


class OtherBase(HomeostatError, ValueError):
    """A base whose bytes are not those over which a version was proven, or that are open already."""

    code = "E407"


class PortInUse(HomeostatError, OSError):
    """Another program listens on the gateway's port."""

    code = "E501"


class BadRequest(HomeostatError, ValueError):
    """A request body that the gateway cannot read."""

    code = "E502"


class NothingReleased(HomeostatError, LookupError):
    """A task that no version answers yet."""

    code = "E503"


class NotLetIn(HomeostatError, PermissionError):
    """A request without a key that the gateway takes, or keys that are none."""

    code = "E504"


class NotReleasable(HomeostatError, ValueError):
    """A version that cannot take this step of a release from the state it is in."""

    code = "E601"


class NoWayBack(HomeostatError, LookupError):
    """A rollback where no earlier version is left."""

    code = "E602"


class NoWorker(HomeostatError):
    """A turn was asked for and no worker runs that could take it."""

    code = "E603"


class TurnFailed(HomeostatError):
    """A turn that broke off with an error instead of coming to its end."""

    code = "E604"


class NotAwaited(HomeostatError):
    """Somebody answers a turn that waits for nobody."""

    code = "E605"


class NotSeen(HomeostatError):
    """A drill at whose end the guard had not seen that the version was broken."""

    code = "E606"
