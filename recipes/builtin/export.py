"""Exports a pretraining checkpoint as the built-in model: bfloat16 safetensors, tokenizer, generation defaults.

    python recipes/builtin/export.py --work build/builtin --out src/homeostat/builtin/model

The rows of the label codes, which pretraining never meets, are drawn anew: unit directions of the mean length of the
trained rows, so that codes start far apart from each other.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from pretrain import architecture
from tokenizer import CODES


def export(work: Path, out: Path) -> None:
    """Write the model folder."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(work / "tokenizer")
    model = LlamaForCausalLM(architecture(len(tokenizer)))
    model.load_state_dict(torch.load(work / "sense.pt", weights_only=True)["model"])
    codes = torch.tensor(tokenizer.convert_tokens_to_ids(CODES))
    with torch.no_grad():
        table = model.get_input_embeddings().weight
        length = table[codes.max() + 1 :].norm(dim=1).mean()
        fresh = torch.randn(len(codes), table.shape[1], generator=torch.Generator().manual_seed(0))
        table[codes] = fresh / fresh.norm(dim=1, keepdim=True) * length
    model.generation_config = GenerationConfig(eos_token_id=0, pad_token_id=4, bos_token_id=None)
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)


def main() -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    export(args.work, args.out)


if __name__ == "__main__":
    main()
