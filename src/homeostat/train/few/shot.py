"""From a few examples to something that answers, by the method that was measured to be best, or by another one."""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.errors import UnknownPlugin, did_you_mean
from homeostat.train.few.heads import Prototypes, Ridge, Rows
from homeostat.train.few.prompted import Prompted
from homeostat.train.few.shots import Answers, Method, Reader, Shots
from homeostat.train.few.tuned import Tuned

METHODS: dict[str, Method] = {
    "ridge": Ridge(),
    "prototypes": Prototypes(),
    "rows": Rows(),
    "tuned": Tuned(),
    "prompted": Prompted(),
    "shown": Prompted(shown=True),
}
"""`bench/train_6.py` measures them beside each other."""
DEFAULT = "ridge"
"""The best of them there, or not surely behind the best, for each number of examples."""


def few_shot(
    base: str | Reader,
    examples: Sequence[tuple[str, str]],
    *,
    labels: Sequence[str] = (),
    method: str | Method = DEFAULT,
    names: bool = True,
) -> Answers:
    """Something that answers with labels after a few examples of each.

    Args:
        base: a name or folder of a model, or one that is open already; it stays as it is.
        examples: pairs of text and label; none at all will do where the labels' names say what they mean.
        labels: all labels; those of the examples where none are given.
        method: a name of METHODS, or a method with its parameters.
        names: whether what a label is called counts as one more example of it: yes where it says what is meant.

    Raises:
        UnknownPlugin: there is no such method.
        UnknownLabel, NothingToTrainOn: as `Shots.of`.
        ModelNotFound, CorruptWeights, UnsafeWeights, UnsuitedModel: the base cannot be opened, or used so.
    """
    if isinstance(method, str) and method not in METHODS:
        raise UnknownPlugin(f"unknown method '{method}'", where="few_shot", fix=did_you_mean(method, METHODS))
    shots = Shots.of(examples, labels, names=names)
    reader = Reader.of(base) if isinstance(base, str) else base
    return (METHODS[method] if isinstance(method, str) else method).learn(reader, shots)
