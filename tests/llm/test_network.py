"""Body and head give what the model's own forward pass gives, architecture by architecture."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForMaskedLM,
    CohereConfig,
    CohereForCausalLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GraniteConfig,
    GraniteForCausalLM,
    HyperCLOVAXConfig,
    HyperCLOVAXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
    T5Config,
    T5ForConditionalGeneration,
)

from homeostat.errors import UnsuitedModel
from homeostat.llm.network import check, states, two_states, vocabulary_logits

SMALL: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": 1,
}
DECODERS = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SMALL)),
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=16, n_layer=2, n_head=2)),
    "gemma2 caps": lambda: Gemma2ForCausalLM(
        Gemma2Config(**SMALL, num_key_value_heads=1, head_dim=8, final_logit_softcapping=2.0)
    ),
    "granite divides": lambda: GraniteForCausalLM(GraniteConfig(**SMALL, logits_scaling=4.0)),
    "cohere multiplies": lambda: CohereForCausalLM(CohereConfig(**SMALL, logit_scale=0.25)),
}
HEADS = {"num_attention_heads": 2, "num_hidden_layers": 2, "vocab_size": 64, "pad_token_id": 0}
ENCODERS = {
    "bert": lambda: BertForMaskedLM(BertConfig(hidden_size=16, intermediate_size=32, **HEADS)),
    "roberta": lambda: RobertaForMaskedLM(RobertaConfig(hidden_size=16, intermediate_size=32, **HEADS)),
    "distilbert": lambda: DistilBertForMaskedLM(DistilBertConfig(dim=16, hidden_dim=32, n_layers=2, n_heads=2)),
    "modernbert": lambda: ModernBertForMaskedLM(ModernBertConfig(hidden_size=16, intermediate_size=32, **HEADS)),
}
T5 = {"vocab_size": 64, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
BOTH = {
    "t5 scales": lambda: T5ForConditionalGeneration(T5Config(**T5, decoder_start_token_id=0)),
    "t5 does not": lambda: T5ForConditionalGeneration(
        T5Config(**T5, decoder_start_token_id=0, tie_word_embeddings=False)
    ),
    "bart adds a bias": lambda: _biased(
        BartForConditionalGeneration(
            BartConfig(
                vocab_size=64, d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=32, decoder_ffn_dim=32
            )
        )
    ),
}


def _biased(model: Any) -> Any:
    model.final_logits_bias += torch.randn(64)
    return model


def _made(make: Any) -> Any:
    torch.manual_seed(0)
    return make().eval()


@pytest.mark.parametrize("name", [*DECODERS, *ENCODERS])
def test_logits_are_the_models_own(name: str) -> None:
    """Head after body equals the forward pass of the model itself, scaled and capped as the model does it."""
    model = _made({**DECODERS, **ENCODERS}[name])
    ids = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])
    mask = torch.ones_like(ids)
    with torch.no_grad():
        own = model(input_ids=ids, attention_mask=mask).logits
        ours = vocabulary_logits(model, states(model, ids, mask).flatten(0, 1))
    torch.testing.assert_close(ours.view(2, 4, -1), own, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", BOTH)
def test_logits_of_both_halves_are_the_models_own(name: str) -> None:
    """With an encoder and a decoder too, tied and scaled or not, with a bias or not."""
    model = _made(BOTH[name])
    ids, given = torch.tensor([[5, 6, 7, 1], [9, 10, 1, 0]]), torch.tensor([[0, 20, 21], [0, 22, 23]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    with torch.no_grad():
        own = model(input_ids=ids, attention_mask=mask, decoder_input_ids=given).logits
        hidden, _ = two_states(model, ids, mask, given, torch.ones_like(given))
        ours = vocabulary_logits(model, hidden.flatten(0, 1))
    torch.testing.assert_close(ours.view(2, 3, -1), own, rtol=1e-4, atol=1e-4)
    check(model, "seq2seq")


def test_a_model_that_makes_its_logits_otherwise_is_refused() -> None:
    """An architecture that multiplies where we know nothing of it is refused when it is opened, not answered with."""
    model = _made(lambda: HyperCLOVAXForCausalLM(HyperCLOVAXConfig(**SMALL, logits_scaling=3.0)))
    with pytest.raises(UnsuitedModel, match="in a way that is not known here"):
        check(model, "decoder")
