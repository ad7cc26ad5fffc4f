"""How likely each label is, from what a server tells of tokens: exact, or asked again where it matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from homeostat.errors import NotServed
from homeostat.llm.choosing import entropy_of, label_logs, sequence_logs
from homeostat.llm.labels import LabelCodes
from homeostat.llm.server import Refused

LOGS = np.random.default_rng(3).permutation(-0.6 * np.arange(60.0))
LOGS -= np.log(np.exp(LOGS).sum())
"""What may stand behind any prompt: log-probabilities of 60 tokens, each a bit more than half as likely as the next."""
CODES = LabelCodes(("a", "b", "c", "d"), tuple((int(t),) for t in np.argsort(LOGS)[[-1, -3, -30, -50]]))
"""Two likely tokens, and two that are not among the twenty likeliest."""


class Telling:
    """A server that tells the twenty likeliest tokens, or those that it is asked for."""

    def __init__(self, *, by_ids: bool, refuses: bool = False, prompts: bool = True) -> None:
        self.by_ids, self.refuses, self.prompts = by_ids, refuses, prompts
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Choices, as vLLM writes them."""
        self.asked.append(body)
        if self.refuses and "logprob_token_ids" in body:
            raise Refused("unknown field", status=400)
        if "prompt_logprobs" in body:
            if not self.prompts:
                return [{"prompt_logprobs": None} for _ in body["prompt"]]
            rows = [[None, *({str(t): {"logprob": LOGS[t]}} for t in row[1:])] for row in body["prompt"]]
            return [{"prompt_logprobs": row} for row in rows]
        listed = body["logprob_token_ids"] if self.by_ids else np.argsort(LOGS)[-20:].tolist()
        return [{"logprobs": {"top_logprobs": [{f"token_id:{t}": LOGS[t] for t in listed}]}}]


def right(codes: LabelCodes, prior: tuple[float, ...] = ()) -> np.ndarray:
    logs = LOGS[[s[0] for s in codes.sequences]]
    logs = logs - np.log(np.exp(logs).sum()) - np.array(prior or 0.0)
    return np.asarray(logs - np.log(np.exp(logs).sum()))


@pytest.mark.parametrize("prior", [(), (-0.1, -1.0, -2.0, -3.0)], ids=["plain", "prior"])
def test_tokens_that_are_asked_for_are_told_at_once(prior: tuple[float, ...]) -> None:
    """One request, exact for every label however unlikely."""
    server = Telling(by_ids=True)
    np.testing.assert_allclose(label_logs(server, (1, 2), CODES, prior), right(CODES, prior), atol=1e-9)
    assert len(server.asked) == 1


@pytest.mark.parametrize("refuses", [False, True], ids=["passed over", "refused"])
def test_an_older_server_is_asked_once_where_the_rest_is_slight(refuses: bool) -> None:
    """What is not told has less than a thousandth together: the labels that are told are right to that."""
    server = Telling(by_ids=False, refuses=refuses)
    said = label_logs(server, (1, 2), CODES)
    assert np.abs(np.exp(said) - np.exp(right(CODES))).max() < 1e-3
    assert [("prompt_logprobs" in body) for body in server.asked] == [False] * (1 + refuses)


def test_where_the_rest_could_matter_every_label_is_read() -> None:
    """With a prior against the likely labels an unlikely one may win: then it is asked exactly, a prompt for each."""
    server, prior = Telling(by_ids=False), (0.0, 0.0, -9.0, -12.0)
    np.testing.assert_allclose(label_logs(server, (1, 2), CODES, prior), right(CODES, prior), atol=1e-9)
    assert server.asked[-1]["prompt"] == [[1, 2, s[0]] for s in CODES.sequences]


def test_labels_of_several_tokens_are_read_whole() -> None:
    """The sum over their tokens, in as many requests as prompts fit into."""
    rows = [((1, 2), (3, 4, k % 60)) for k in range(70)]
    server = Telling(by_ids=True)
    wanted = [LOGS[3] + LOGS[4] + LOGS[k % 60] for k in range(70)]
    np.testing.assert_allclose(sequence_logs(server, rows), wanted)
    assert [len(body["prompt"]) for body in server.asked] == [64, 6]


def test_a_server_that_tells_nothing() -> None:
    """It is said what is missing, and nothing is guessed."""
    with pytest.raises(NotServed, match="prompt_logprobs"):
        sequence_logs(Telling(by_ids=True, prompts=False), [((1,), (2,))])
    with pytest.raises(NotServed, match="log-probabilities by token"):
        label_logs(lambda body: [{"logprobs": None}], (1, 2), CODES)


def test_entropy_by_the_likeliest_is_never_more() -> None:
    """With everything told it is the entropy itself; with less it is less, by at most what the rest could hold."""
    whole = float(-(np.exp(LOGS) * LOGS).sum())
    assert entropy_of(dict(enumerate(LOGS))) == pytest.approx(whole)
    told = {int(t): float(LOGS[t]) for t in np.argsort(LOGS)[-20:]}
    rest = 1 - np.exp(list(told.values())).sum()
    assert whole - rest * np.log(40) <= entropy_of(told) <= whole
