"""What a version replies with, and what it reads before a request: the same wherever its weights are.

A backend in this process and one in front of a server ask here, so that the same request is the same tokens to both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from homeostat.errors import UnknownLabel
from homeostat.llm.backend import Request
from homeostat.llm.labels import FEW, LabelCodes, encode_labels
from homeostat.llm.preface import Preface, Turn, Vector, without_end
from homeostat.types.task import Task
from homeostat.types.version import Version


def labels_of(version: Version | None, task: Task) -> tuple[str, ...]:
    """What a request is answered with: the version's labels, or for the bare base the task's.

    Raises:
        UnknownLabel: there are none.
    """
    labels = version.labels if version and version.labels else task.labels
    if not labels:
        raise UnknownLabel(f"there are no labels to answer task '{task.name}' with", fix="give it some")
    return labels


def codes_for(tokenizer: Any, version: Version | None, labels: Sequence[str], *, decoder: bool) -> LabelCodes:
    """The token sequences of labels as a version writes them.

    A base that was never trained knows no codes, so its labels are spelled out where they are few.
    """
    bare = version is None or version.kind == "base"
    return encode_labels(tokenizer, labels, alias=False if bare and decoder and len(labels) <= FEW else None)


def earlier(
    request: Request, preface: Preface | None, codes: LabelCodes | None, end: int, state: Vector | None = None
) -> Sequence[Turn]:
    """What a request is read after: the examples of its version's preface, then its own history.

    Args:
        request: as it was asked.
        preface: what its version reads before every request.
        codes: what the version replies with where it replies with codes, which is how the examples' labels stand.
        end: the token that ends a reply.
        state: float[hidden] of the request, where the preface finds its examples by that.
    """
    if preface is None or not preface.shown:
        return request.history
    known = dict(zip(codes.labels, codes.sequences, strict=True)) if codes else {}
    ended = {label: without_end(tokens, end) for label, tokens in known.items()}
    return [*preface.turns(request.text, ended, state), *request.history]
