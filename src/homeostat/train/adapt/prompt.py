"""A learned prompt: rows in the place of tokens' rows, before everything that is read (prompt tuning, Lester et al.
2021, 2104.08691).

As few numbers as a way can have, `count` × the model's width. Everything that is asked is read behind them: `count`
more tokens for every request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from homeostat.llm.lead import Lead, Rows
from homeostat.train.adapt.before import Before


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(Before):
    """Rows alone. They need a high rate, some 3e-2, and many passes."""

    kind: ClassVar[str] = "prompt"

    @property
    def lead(self) -> type[Lead]:
        """Rows."""
        return Rows

    def made(self, model: Any, rows: Tensor) -> Lead:
        """The rows as they are."""
        return Rows(rows.detach().float().clone())
