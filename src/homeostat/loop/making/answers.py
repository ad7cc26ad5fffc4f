"""What teachers said, kept beside the store: nothing is asked twice, and who was interrupted goes on.

A file per teacher and task, a line per answer. A line that was being written when the power went is left out.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from homeostat.errors import full_disk_named
from homeostat.llm.backend import Request
from homeostat.llm.teacher import Answer, Teacher
from homeostat.types.task import Task

AT_ONCE = 64
"""Requests between two times of writing down what was said."""


class Answers:
    """What one teacher said to requests of one task."""

    def __init__(self, folder: Path, teacher: Teacher, task: Task) -> None:
        """`folder` is where files of answers lie; it is made when something is written."""
        of = repr((teacher.name, teacher.labels, task.name, task.kind.value, task.instruction))
        self._file = folder / f"{hashlib.sha256(of.encode()).hexdigest()[:16]}.jsonl"
        self._teacher, self._task = teacher, task
        self._known = _read(self._file)

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Those of the texts that have not been asked yet, each once."""
        return [text for text in dict.fromkeys(texts) if text not in self._known]

    def ask(
        self, texts: Sequence[str], report: Callable[[int, int], None] = lambda done, of: None
    ) -> dict[str, Answer]:
        """What the teacher says to each text; what it has said before is not asked again.

        `report` is told how many of the missing ones are done.

        Raises:
            NoTeacher: it does not answer; what it has said so far is kept.
            StoreFull: the disk is full; the same.
        """
        missing = self.missing(texts)
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            said = self._teacher.answer([Request(task=self._task, text=text, version="") for text in some])
            _append(self._file, dict(zip(some, said, strict=True)))
            self._known.update(zip(some, said, strict=True))
            report(start + len(some), len(missing))
        return {text: self._known[text] for text in texts}


def _read(file: Path) -> dict[str, Answer]:
    known = {}
    for line in file.read_bytes().split(b"\n") if file.exists() else ():
        try:
            text, said, chances = json.loads(line)
        except ValueError:
            continue  # empty, or the end of one that was being written
        known[text] = Answer(text=said, chances=tuple(chances))
    return known


def _append(file: Path, answers: dict[str, Answer]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps([text, a.text, a.chances], ensure_ascii=False) for text, a in answers.items()]
    with full_disk_named("answers of a teacher cannot be kept", where=str(file)), file.open("ab") as out:
        # A line cut off by a crash must not run into the first of these.
        out.write(("\n" + "\n".join(lines) + "\n").encode())
        out.flush()
        os.fsync(out.fileno())
