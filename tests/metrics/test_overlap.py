"""Exact match, token F1, BLEU and ROUGE are the numbers of the programs that the field uses."""

from __future__ import annotations

import random

import numpy as np
import pytest
import sacrebleu
from lm_eval.tasks.qasper.metrics import f1_abstractive, normalize_answer
from rouge_score.rouge_scorer import RougeScorer

from homeostat.metrics.overlap import bleu, bleu_of, bleu_sums, exact_match, rouge_l, rouge_n, token_f1, words

TEXT = (
    "the a an refund order für n° 4471 way, sorry! 返品 я €12.50 x A — '' ... don't 3-4 well-known &amp; "
    "&quot;so&quot; 1,000.5 (see) [it] {so} a.b U.S. 5-. ,7 -\n \n ٣.٤ /path/to #7 50% $5 ~ ^ _ ` \\ | @home"
)
PIECES = TEXT.split(" ")


def corpus(seed: int, rows: int = 30) -> tuple[list[str], list[str]]:
    """Replies and references that share some words: short, long, empty and odd ones among them."""
    rng = random.Random(seed)
    references = [" ".join(rng.choices(PIECES, k=rng.randint(0, 12))) for _ in range(rows)]
    replies = [
        " ".join(w for w in r.split(" ") if rng.random() < 0.8) + rng.choice(["", " no", "\n", "  x", "-\n"])
        for r in references
    ]
    return replies, references


@pytest.mark.parametrize("seed", range(20))
def test_bleu_is_that_of_sacrebleu(seed: int) -> None:
    """Corpora of many rows and of one, with orders that nothing matches."""
    for rows in (1, 2, 30):
        replies, references = corpus(seed, rows)
        peer = sacrebleu.corpus_bleu(replies, [references]).score
        assert bleu(replies, references) == pytest.approx(peer, abs=1e-9)


def test_words_are_those_of_mteval() -> None:
    """Every ASCII sign, alone and between letters and digits, is cut as sacrebleu cuts it."""
    peer = sacrebleu.metrics.bleu.BLEU().tokenizer
    signs = [chr(k) for k in range(33, 127)]
    for text in [*(f"{a}{sign}{b}" for sign in signs for a in ("a", "7", "") for b in ("b", "8", "")), *corpus(5)[0]]:
        assert words(text) == peer(text.rstrip()).split(), repr(text)


@pytest.mark.parametrize("seed", range(5))
def test_the_others_are_those_of_their_programs(seed: int) -> None:
    """Row by row: exact match and F1 of SQuAD's script as lm-eval has it, ROUGE of rouge-score."""
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for reply, reference in zip(*corpus(seed), strict=True):
        plain = [normalize_answer(text) for text in (reply, reference)]
        assert exact_match(reply, reference) == float(plain[0] == plain[1])
        peer = f1_abstractive([reply], [reference]) if any(plain) else 1.0  # SQuAD 2: nothing is right where nothing is
        assert token_f1(reply, reference) == pytest.approx(peer)
        peers = {name: found.fmeasure for name, found in scorer.score(reference, reply).items()}
        mine = [rouge_n(reply, reference, 1), rouge_n(reply, reference, 2), rouge_l(reply, reference)]
        assert mine == pytest.approx([peers["rouge1"], peers["rouge2"], peers["rougeL"]])


def test_sums_say_what_the_corpus_says() -> None:
    """Rows that are drawn twice count twice: the figure is a function of weighted sums."""
    replies, references = corpus(3)
    weights = np.random.default_rng(0).integers(0, 3, len(replies))
    again = [k for k, w in enumerate(weights) for _ in range(w)]
    whole = bleu([replies[k] for k in again], [references[k] for k in again])
    assert bleu_of((weights @ bleu_sums(replies, references))[None])[0, 0] == pytest.approx(whole)


def test_nothing_to_score() -> None:
    """A BLEU of no rows is none."""
    with pytest.raises(ValueError, match="no rows"):
        bleu([], [])


def test_what_the_figures_are_about() -> None:
    """By hand: the same words in another order are all there by F1, and half of them in order by ROUGE-L; case,
    punctuation and articles are no mistake; and nothing is right of nothing but nothing.
    """
    assert token_f1("way your on is parcel", "Your parcel is on its way") == pytest.approx(10 / 11)
    assert rouge_l("b a", "a b") == 0.5
    assert [rouge_n("b a", "a b", n) for n in (1, 2, 3)] == [1.0, 0.0, 0.0]
    assert exact_match("The parcel.", "parcel") == 1.0
    assert exact_match("the parcels", "parcel") == 0.0
    assert (token_f1("", ""), token_f1("", "x"), rouge_l("", "x"), rouge_l("返品", "返品")) == (1.0, 0.0, 0.0, 0.0)


def test_short_replies_are_not_rewarded() -> None:
    """Every word of it is right, and half of the reference is missing: the brevity penalty takes what F1 would."""
    reference = "we have sent your parcel back to the depot in the city today"
    whole, half = bleu([reference], [reference]), bleu([" ".join(reference.split()[:6])], [reference])
    assert whole == pytest.approx(100.0)
    assert half == pytest.approx(100.0 * np.exp(1 - 12 / 6), abs=7.0)
    assert bleu(["nothing alike"], [reference]) == 0.0
