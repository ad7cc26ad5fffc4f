"""What prompt and prefix tuning share: something learned stands before every prompt, and the base stays as it is.

It begins at the words of the task, the labels' first (Lester et al. 2021, 2104.08691, found class labels the best
beginning of those they tried). The labels' rows of the vocabulary are not trained: they lie in the version where they
begin, at what the labels' words mean, and can be fitted when training has ended.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.errors import UnsuitedModel
from homeostat.llm.adapters import has_rows, load_lead, save_lead
from homeostat.llm.four_bit import mark
from homeostat.llm.lead import Lead, embed, lead_of, put_lead, try_lead, use_lead
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.train.adapt.beside import NAME, place, rows_of, write
from homeostat.train.adapt.way import Tempo, Way
from homeostat.train.rows import LabelRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Before(Way):
    """A lead that is trained, and nothing else."""

    count: int = knob(16, least=1)
    """Places that it takes before every prompt."""

    @property
    def places(self) -> int:
        """The same."""
        return self.count

    @abstractmethod
    def made(self, model: Any, rows: Tensor) -> Lead:
        """A lead that begins as float[count, hidden], rows by which the model reads words."""

    @property
    @abstractmethod
    def lead(self) -> type[Lead]:
        """Which kind of lead it is."""

    def attach(
        self, model: Any, start: Path | None = None, rows: Mapping[int, Tensor] | None = None, seed: int = 0
    ) -> list[torch.nn.Parameter]:
        """Put a lead on the model, that of `start` or one that begins at rows drawn from the vocabulary; its tensors.

        `rows` are where the rows of further labels begin, float[hidden] by token; training does not move them.

        Raises:
            UnsuitedModel: the model cannot have such a lead, or that of `start` takes other places.
            ModelNotFound, UnsafeWeights, CorruptWeights: `start` cannot be gone on from.
        """
        _hold(self.count > 0, "a lead of no places", "set count to 1 or more")
        try_lead(model, self.lead)
        lead = self._drawn(model, seed) if start is None else load_lead(model, start)
        fix = f"set count to {lead.places}, or warm_start to false"
        _hold(
            lead.places == self.count, f"the champion has {lead.places} places before a prompt, not {self.count}", fix
        )
        lead.fresh = start is None
        place(model, start, rows or {})
        put_lead(model, NAME, lead)
        use_lead(model, NAME)
        for tensor in model.parameters():
            tensor.requires_grad_(False)
        for tensor in lead.parameters():
            tensor.requires_grad_(True)
        model.eval()
        return list(lead.parameters())

    def look(self, opened: Opened, rows: Sequence[Rendered]) -> None:
        """Begin a fresh lead at the words of the task, if it is shown rows."""
        lead = lead_of(opened.model)
        found = words(opened, rows, self.count)
        if lead is None or not lead.fresh or not found:
            return
        use_lead(opened.model, "")  # what the words become is read off the bare model
        with torch.no_grad():
            begun = self.made(opened.model, embed(opened.model, torch.tensor(found, device=opened.model.device)))
            for mine, wanted in zip(lead.parameters(), begun.parameters(), strict=True):
                mine.copy_(wanted)
        use_lead(opened.model, NAME)

    def tempi(self, model: Any) -> list[Tempo]:
        """No decay: what stands at zero is not what stands for nothing."""
        return [Tempo(decays=False)] * sum(tensor.requires_grad for tensor in model.parameters())

    def label_rows(self, model: Any, labels: Tensor) -> LabelRows | None:
        """Where the rows of these tokens lie, to be fitted when training has ended; None where the model has none."""
        return rows_of(model, labels)

    def save(self, model: Any, folder: Path) -> None:
        """Write `lead.safetensors`, and where there are rows of labels an adapter that holds them."""
        save_lead(model.leads[NAME], folder, mark(model))
        if NAME in getattr(model, "peft_config", {}):
            write(model, folder)

    def _drawn(self, model: Any, seed: int) -> Lead:
        """A lead that begins at rows of the vocabulary."""
        table = model.get_input_embeddings().weight
        drawn = torch.randint(len(table), (self.count,), generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            return self.made(model, embed(model, drawn.to(table.device)))


def words(opened: Opened, rows: Sequence[Rendered], count: int) -> list[int]:
    """So many tokens that say what the task is: labels, the frequent first, for at most half of them, then what stands
    in most prompts, the instruction's words before others, marks left out; all again where they do not suffice.
    """
    marks = set(opened.tokenizer.all_special_ids)
    labels = Counter(row.completion[0] for row in rows if len(row.completion) == 1 and has_rows(opened.model))
    asked = Counter(token for row in rows for token in dict.fromkeys(row.prompt) if token not in marks)
    chosen = list(dict.fromkeys([*_most(labels, count // 2), *_most(asked, count)]))
    return list(islice(cycle(chosen), count)) if chosen else []


def _most(counts: Counter[int], most: int) -> Iterable[int]:
    return (token for token, _ in counts.most_common(most))


def _hold(holds: bool, what: str, fix: str) -> None:
    if not holds:
        raise UnsuitedModel(what, where="recipe.adapt", fix=fix)
