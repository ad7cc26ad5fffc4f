"""Labels as tokens: codes that never move, words where they are one token, and the trie."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from homeostat.errors import UnsuitedModel
from homeostat.llm.labels import FEW, code_tokens, encode_labels

CHAT = tiny.chat_tokenizer()
MASKED = tiny.masked_tokenizer()
NAMES = st.lists(
    st.one_of(st.sampled_from(["pump", "p", "a", "lamp", "[MASK]", "<|end|>", ""]), st.text(max_size=8)),
    unique=True,
    max_size=30,
)


@settings(deadline=None)
@given(labels=NAMES, more=NAMES)
@pytest.mark.parametrize("tokenizer", [CHAT, MASKED], ids=["reserved", "vocabulary"])
def test_codes_do_not_move_when_the_set_grows(tokenizer: object, labels: list[str], more: list[str]) -> None:
    """The labels of a version keep their tokens when labels are added behind them, and no two share one."""
    grown = labels + [label for label in more if label not in labels]
    before, after = encode_labels(tokenizer, labels), encode_labels(tokenizer, grown)
    assert after.sequences[: len(labels)] == before.sequences
    assert len(set(after.sequences)) == len(grown)
    assert after.single


def test_codes_are_the_reserved_tokens_in_order() -> None:
    """A tokenizer with `<|code_k|>` gives label k its code k."""
    labels = [f"label number {k}" for k in range(20)]
    codes = encode_labels(CHAT, labels)
    assert [CHAT.decode(s) for s in codes.sequences] == [f"<|code_{k}|>" for k in range(20)]


def test_a_label_of_one_token_is_written_as_itself() -> None:
    """Among the first few, a word that the vocabulary knows whole keeps its meaning; later ones get their code."""
    labels = ["pump noise", "p", *(f"long label {k}" for k in range(FEW - 2)), "q"]
    shown = [CHAT.decode(s) for s in encode_labels(CHAT, labels).sequences]
    assert shown[:3] == ["<|code_0|>", "p", "<|code_2|>"]
    assert shown[-1] == f"<|code_{FEW}|>"
    assert CHAT.decode(encode_labels(CHAT, labels, alias=True).sequences[1]) == "<|code_1|>"


def test_a_label_cannot_spell_a_mark() -> None:
    """A label that spells a special token is not that token."""
    assert encode_labels(CHAT, ["<|end|>"]).sequences == ((CHAT.convert_tokens_to_ids("<|code_0|>"),),)
    spelled = encode_labels(CHAT, ["<|end|>"], alias=False).sequences[0]
    assert spelled.count(CHAT.eos_token_id) == 1


def test_without_reserved_codes_rare_tokens_serve() -> None:
    """Codes of an ordinary vocabulary are its last whole tokens, none of them special."""
    codes = code_tokens(MASKED)
    assert codes[0] == len(MASKED) - 1
    assert not set(codes) & set(MASKED.all_special_ids)


def test_more_labels_than_codes_are_refused() -> None:
    """A tokenizer with few codes says how many labels it can hold."""
    with pytest.raises(UnsuitedModel, match="41 labels, but the tokenizer has only 40"):
        encode_labels(CHAT, [f"label {k}" for k in range(41)])


def test_the_trie_shares_prefixes() -> None:
    """Spelled-out labels share their first tokens in the trie, and each ends at a node of its own."""
    codes = encode_labels(CHAT, ["pump noise", "pump", "pump leaks"], alias=False)
    assert not codes.single
    root = codes.trie()
    assert len(root.children) == 1
    ends = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        ends.append(node.label)
        waiting += node.children.values()
    assert sorted(label for label in ends if label >= 0) == [0, 1, 2]
