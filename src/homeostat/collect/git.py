"""Makes a stream of any git repository: the subject of a commit, and the part of the tree that most of its files touch.

Real data with real drift that everybody has at hand, read offline with the `git` program. Authors are never asked for,
and addresses and handles inside subjects are taken out; merges are passed over.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from homeostat.collect.stream import StreamRow, default_split, require_splits
from homeostat.errors import NotARepository

ROOT_FILES = "root files"
"""The part that files beside all folders belong to."""

_COMMIT, _FIELD = "\x1e", "\x1f"
_PERSON = re.compile(r"<?[\w.+-]+@[\w-]+\.[\w.-]+>?|(?<![\w/])@[A-Za-z0-9][\w-]*")


def read_git(path: Path | str, *, min_commits: int = 20, newest: int | None = None) -> list[StreamRow]:
    """Commits of the current branch in the order of time, one row each.

    Text is the subject without people, label the first component of the path that more of the commit's files have
    than any other, time the committer's. Commits that touch no part most, and parts with fewer than `min_commits` of
    them, are left out. The first quarter is history, every fifth row test. `newest` keeps that many commits.

    Raises:
        NotARepository: no git history there, or no git program.
        EmptyStream: too few commits remain.
    """
    commits = sorted(_commits(_log(Path(path), newest)), key=lambda commit: commit[0])
    sizes = Counter(part for _, _, part in commits)
    kept = [commit for commit in commits if sizes[commit[2]] >= min_commits]
    rows = [
        StreamRow(index=k, text=subject, label=part, time=time, split=default_split(k, len(kept)))
        for k, (time, subject, part) in enumerate(kept)
    ]
    require_splits(rows, where=str(path))
    return rows


def part_of(files: Iterable[str]) -> str:
    """The first component of most paths; empty where none has more than every other."""
    parts = Counter(name.split("/", 1)[0] if "/" in name else ROOT_FILES for name in files)
    top = parts.most_common(2)
    return top[0][0] if top and (len(top) == 1 or top[0][1] > top[1][1]) else ""


def _commits(log: str) -> Iterator[tuple[float, str, str]]:
    """(time, subject without people, part) of each commit that has all three."""
    for entry in log.split(_COMMIT)[1:]:
        head, _, names = entry.partition("\x00")
        time, _, subject = head.partition(_FIELD)
        text = " ".join(_PERSON.sub(" ", subject).split())
        part = part_of(name for name in names.lstrip("\n").split("\x00") if name)
        if text and part:
            yield float(time), text, part


def _log(path: Path, newest: int | None) -> str:
    """The history as one text: for each commit a mark, seconds, a mark, the subject, NUL, then names ending in NUL."""
    command = ["git", "-C", str(path), "-c", "log.showSignature=false", "log", "--no-merges", "--no-renames"]
    command += ["--no-color", "--no-ext-diff", "--encoding=UTF-8", "--name-only", "-z"]
    command += [f"--format={_COMMIT}%ct{_FIELD}%s"] + ([f"--max-count={newest}"] if newest else [])
    fix = "give the folder of a git repository with commits in it"
    try:
        done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"})
    except FileNotFoundError as missing:
        raise NotARepository("the git program is not installed", where=str(path), fix="install git") from missing
    except subprocess.CalledProcessError as failed:
        said = failed.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = said[0] if said else f"git ended with {failed.returncode}"
        raise NotARepository(f"no history to read: {reason}", where=str(path), fix=fix) from failed
    return done.stdout.decode("utf-8", "replace")
