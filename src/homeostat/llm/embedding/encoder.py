"""A transformers model as an encoder: the mean of its last hidden states over a text's tokens, brought to length 1.

Mean pooling over the attention mask is what sentence encoders are mostly trained with (Reimers and Gurevych 2019,
1908.10084). Any model that reads will do, decoders too; whether its vectors tell apart what matters is another matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from homeostat.errors import CorruptWeights, UnsuitedModel
from homeostat.llm.embedding.embedder import WHERE, Vectors
from homeostat.llm.load import family_of, locate, quiet, shorten, told

ROWS = 64
"""Texts that are read at once."""
LONGEST = 512
"""Tokens of a text that are read, at most: the rest says little more, and costs its square."""
_UNUSED = ("pooler.", "lm_head.")
"""Beginnings of tensors that many checkpoints lack, and that no hidden state depends on."""


class Encoder:
    """A model that reads, opened from a folder or a hub name; safetensors only."""

    def __init__(self, name: str) -> None:
        """Open it: float32 on the CPU, bfloat16 on a GPU.

        Raises:
            ModelNotFound: nothing of that name here or on the hub.
            CorruptWeights: the weights are damaged, incomplete, or do not fit the configuration.
            UnsafeWeights: only pickled weights are there.
            UnsuitedModel: its tokenizer has nothing to fill up with.
        """
        self.name = name
        self._model, self._tokenizer = _opened(name)

    def embed(self, texts: list[str]) -> Vectors:
        """float32[texts, hidden] of length 1; zeros for a text without tokens."""
        longest = min(LONGEST, int(self._tokenizer.model_max_length))
        read = self._tokenizer(texts, truncation=True, max_length=longest)["input_ids"] if texts else []
        found = np.zeros((len(texts), int(self._model.config.hidden_size)), np.float32)
        order = sorted((k for k, ids in enumerate(read) if ids), key=lambda k: len(read[k]))
        for first in range(0, len(order), ROWS):
            at = order[first : first + ROWS]
            found[at] = self._pooled([read[k] for k in at])
        return found

    def _pooled(self, rows: list[list[int]]) -> Vectors:
        longest = max(map(len, rows))
        filler = self._tokenizer.pad_token_id
        ids = torch.tensor([row + [filler] * (longest - len(row)) for row in rows], device=self._model.device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=self._model.device)
        with torch.inference_mode():
            states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            seen = mask[:, :, None].float()
            mean = (states * seen).sum(1) / seen.sum(1)
            unit: Any = torch.nn.functional.normalize(mean, dim=1)
        return np.asarray(unit.cpu().numpy(), dtype=np.float32)


def _opened(name: str) -> tuple[Any, Any]:
    """The model's reader, in evaluation mode, and its tokenizer."""
    quiet()
    place = locate(name, where=WHERE)
    gpu = torch.cuda.is_available()
    try:
        config = AutoConfig.from_pretrained(place)
        model, info = AutoModel.from_pretrained(
            place,
            config=config,
            dtype=torch.bfloat16 if gpu else torch.float32,
            use_safetensors=True,
            output_loading_info=True,
        )
        tokenizer = AutoTokenizer.from_pretrained(place)
    except Exception as failed:  # the libraries raise what they like, some of it without a shared parent
        raise told(failed, name, place, where=WHERE) from failed
    if lacking := sorted(key for key in info["missing_keys"] if not key.startswith(_UNUSED)):
        what = f"the weights of {name} lack {len(lacking)} tensors of {type(model).__name__}, such as {lacking[0]}"
        raise CorruptWeights(what, where=place, fix="check the folder is complete")
    if family_of(config) == "seq2seq":
        model = model.get_encoder()
    shorten(tokenizer, config)
    if tokenizer.pad_token_id is None:
        fix = "name the token in tokenizer_config.json, as `pad_token`"
        raise UnsuitedModel(f"the tokenizer of {name} has no filler", where=WHERE, fix=fix)
    return model.eval().to("cuda" if gpu else "cpu"), tokenizer
