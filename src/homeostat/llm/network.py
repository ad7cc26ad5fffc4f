"""A transformers model as a body, from tokens to hidden states, and a head, from hidden states to logits.

Apart, the head runs only where a token is predicted. Models differ in what they do between the two (scaling, capping,
biases), so a model is tried when it is opened, and one whose logits do not come out as its own is refused.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from homeostat.errors import UnsuitedModel
from homeostat.llm.lead import opening
from homeostat.llm.trunk import trunk_of


def states(model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """float[rows, tokens, hidden] of a decoder or an encoder, for int64[rows, tokens] filled at the right."""
    if trunk := trunk_of(model):
        return trunk.states(ids, mask)
    more = {"use_cache": False} if hasattr(model.config, "use_cache") else {}
    start = opening(model, ids, mask)
    hidden: Tensor = model.base_model(**start.given, **more).last_hidden_state
    return hidden[:, start.behind :]


def source_states(model: Any, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, int]:
    """What the encoder of a sequence-to-sequence model makes of tokens: float[rows, places, hidden], the mask of these
    places, and how many of them stand before the tokens.
    """
    start = opening(model, ids, mask)
    source = model.get_encoder()(**start.given).last_hidden_state
    return source, start.given["attention_mask"], start.behind


def two_states(model: Any, ids: Tensor, mask: Tensor, given: Tensor, given_mask: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden states of a sequence-to-sequence model: of its decoder over `given`, and of its encoder over `ids`."""
    source, source_mask, behind = source_states(model, ids, mask)
    hidden = model.get_decoder()(
        input_ids=given,
        attention_mask=given_mask,
        encoder_hidden_states=source,
        encoder_attention_mask=source_mask,
        use_cache=False,
    ).last_hidden_state
    return hidden, source[:, behind:]


def vocabulary_logits(model: Any, hidden: Tensor) -> Tensor:
    """float[n, vocabulary] for hidden states float[n, hidden], as the model's own forward pass makes them.

    Raises:
        UnsuitedModel: a masked language model whose head is not known here.
    """
    config = model.config
    if getattr(config, "scale_decoder_outputs", False):
        hidden = hidden * config.d_model**-0.5
    logits: Tensor = _head(model)(hidden)
    if getattr(model, "final_logits_bias", None) is not None:
        logits = logits + model.final_logits_bias
    if config.model_type.startswith("granite"):
        logits = logits / config.logits_scaling
    if config.model_type.startswith("cohere"):
        logits = logits * config.logit_scale
    cap = getattr(config, "final_logit_softcapping", None)
    return torch.tanh(logits / cap) * cap if cap else logits


def _head(model: Any) -> Any:
    """What stands between the last hidden state and the logits: one layer, or the small network of an encoder."""
    if "MaskedLM" not in type(model).__name__:
        return model.get_output_embeddings()
    if hasattr(model, "vocab_transform"):  # DistilBERT
        return nn.Sequential(model.vocab_transform, model.activation, model.vocab_layer_norm, model.vocab_projector)
    if hasattr(model, "head") and hasattr(model, "decoder"):  # ModernBERT
        return nn.Sequential(model.head, model.decoder)
    for name in ("cls", "lm_head"):  # BERT, RoBERTa
        if hasattr(model, name):
            return getattr(model, name)
    raise UnsuitedModel(f"the output head of {type(model).__name__} is not known here", fix="use another base model")


@torch.no_grad()
def check(model: Any, family: str) -> None:
    """Hold that body and head give the logits of the model's own forward pass, on three tokens.

    Raises:
        UnsuitedModel: they do not; the architecture does something between the two that is not known here.
    """
    ids = torch.arange(1, 4, device=model.device)[None]
    mask = torch.ones_like(ids)
    if family == "seq2seq":
        own = model(input_ids=ids, attention_mask=mask, decoder_input_ids=ids, decoder_attention_mask=mask).logits
        hidden = two_states(model, ids, mask, ids, mask)[0]
    else:
        own, hidden = model(input_ids=ids, attention_mask=mask).logits, states(model, ids, mask)
    ours = vocabulary_logits(model, hidden[0])
    if not torch.allclose(ours.float(), own[0].float(), rtol=1e-2, atol=1e-2 * float(own.float().std())):
        raise UnsuitedModel(
            f"{type(model).__name__} makes its logits in a way that is not known here", fix="use another base model"
        )
