"""How far a text agrees with a reference word by word: exact match, token F1, BLEU and ROUGE.

Each is the number of the program by which the field knows it: exact match and token F1 of SQuAD (Rajpurkar et al. 2016,
1606.05250; case, punctuation and English articles do not count), BLEU of sacrebleu with its defaults (Papineni et al.
2002, P02-1040; Post 2018, 1804.08771), ROUGE of rouge-score without a stemmer (Lin 2004, W04-1013). ROUGE's words are
made of plain Latin letters and digits: a text in another script has none, and scores 0.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ORDERS = 4
_UNPUNCTUATED = str.maketrans("", "", string.punctuation)
_SPLIT = str.maketrans({sign: f" {sign} " for sign in string.punctuation if sign not in "'-.,"})
"""What stands apart wherever it is; the signs left out do so only beside other things than digits, or not at all."""
_NAMED = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_LATIN = re.compile("[a-z0-9]+")


def exact_match(reply: str, reference: str) -> float:
    """1 where the two are the same but for case, punctuation, English articles and space; else 0."""
    return float(_plain(reply) == _plain(reference))


def token_f1(reply: str, reference: str) -> float:
    """F1 of the words that both hold, as often as both hold them, in [0, 1]."""
    said, meant = _plain(reply), _plain(reference)
    if not said or not meant:
        return float(said == meant)
    both = (Counter(said) & Counter(meant)).total()
    return 2 * both / (len(said) + len(meant))


def rouge_n(reply: str, reference: str, n: int) -> float:
    """F-measure of the runs of `n` words that both hold, as often as both hold them; 0 where either has none."""
    said, meant = (_grams(_LATIN.findall(text.lower()), n) for text in (reply, reference))
    return 2 * (said & meant).total() / (said.total() + meant.total()) if said and meant else 0.0


def rouge_l(reply: str, reference: str) -> float:
    """F-measure of the longest run of words that both hold in the same order, not necessarily beside each other."""
    said, meant = _LATIN.findall(reply.lower()), _LATIN.findall(reference.lower())
    if not said or not meant:
        return 0.0
    return 2 * _longest(said, meant) / (len(said) + len(meant))


def bleu_sums(replies: Sequence[str], references: Sequence[str]) -> Floats:
    """float64[rows, 10]: n-grams of a reply that the reference holds too, of one to four words; n-grams of the reply;
    words of both. Their sums give `bleu_of`.
    """
    pairs = zip(replies, references, strict=True)
    return np.array([_bleu_row(*pair) for pair in pairs], np.float64).reshape(-1, 2 * ORDERS + 2)


def bleu_of(sums: Floats) -> Floats:
    """float64[…, 1]: BLEU of a corpus, 0 to 100, of rows that were summed; an order without a match is smoothed by
    halving (Chen and Cherry 2014, W14-3346, method 3).
    """
    both, total = sums[..., :ORDERS], sums[..., ORDERS : 2 * ORDERS]
    said, meant = sums[..., -2], sums[..., -1]
    missed = np.cumsum((both == 0) & (total > 0), axis=-1)
    precision = np.where(both > 0, both, 0.5**missed) / np.maximum(total, 1e-300)
    able = (total > 0).all(-1) & (both > 0).any(-1)
    logs = np.log(np.where(total > 0, precision, 1.0)).mean(-1)
    short = np.where(said < meant, 1.0 - meant / np.maximum(said, 1e-300), 0.0)
    return np.asarray(np.where(able, 100.0 * np.exp(logs + short), 0.0)[..., None], np.float64)


def bleu(replies: Sequence[str], references: Sequence[str]) -> float:
    """BLEU of a corpus, 0 to 100: the number of `sacrebleu.corpus_bleu`.

    Raises:
        ValueError: no rows, or unequal lengths.
    """
    if not replies:
        raise ValueError("no rows to score")
    return float(bleu_of(bleu_sums(replies, references).sum(0))[0])


def words(text: str) -> list[str]:
    """The words and signs of a text, as evaluation of translations cuts it (mteval-v13a): signs stand apart, but for a
    full stop or a comma between digits, and a hyphen that no digit precedes.
    """
    text = text.rstrip().replace("-\n", "").replace("\n", " ")
    for name, sign in _NAMED:
        text = text.replace(name, sign)
    text = f" {text} ".translate(_SPLIT)
    text = re.sub(r"([^0-9])([.,])", r"\1 \2 ", text)
    text = re.sub(r"([.,])([^0-9])", r" \1 \2", text)
    return re.sub(r"([0-9])(-)", r"\1 \2 ", text).split()


def _plain(text: str) -> list[str]:
    return re.sub(r"\b(?:a|an|the)\b", " ", text.lower().translate(_UNPUNCTUATED)).split()


def _bleu_row(reply: str, reference: str) -> list[int]:
    said, meant = words(reply), words(reference)
    grams = [(_grams(said, n), _grams(meant, n)) for n in range(1, ORDERS + 1)]
    both = [(one & other).total() for one, other in grams]
    return [*both, *(one.total() for one, _ in grams), len(said), len(meant)]


def _grams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[k : k + n]) for k in range(len(tokens) - n + 1))


def _longest(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    above = [0] * (len(other) + 1)
    for word in one:
        row = [0]
        for k, peer in enumerate(other, 1):
            row.append(above[k - 1] + 1 if word == peer else max(above[k], row[k - 1]))
        above = row
    return above[-1]
