"""How likely each label is, from what a server tells of tokens: exact, or asked again where it matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from homeostat.errors import NotServed
from homeostat.llm.choosing import entropy_of, label_logs, places
from homeostat.llm.labels import LabelCodes
from homeostat.llm.server import Refused

LOGS = np.random.default_rng(3).permutation(-0.6 * np.arange(60.0))
LOGS -= np.log(np.exp(LOGS).sum())
"""What may stand behind any prompt: log-probabilities of 60 tokens, each a bit more than half as likely as the next."""
CODES = LabelCodes(("a", "b", "c", "d"), tuple((int(t),) for t in np.argsort(LOGS)[[-1, -3, -30, -50]]))
"""Two likely tokens, and two that are not among the twenty likeliest."""


class Telling:
    """A server that tells the twenty likeliest tokens, or those that it is asked for; it draws what is allowed."""

    def __init__(self, *, by_ids: bool, refuses: bool = False, obeys: bool = True) -> None:
        self.by_ids, self.refuses, self.obeys = by_ids, refuses, obeys
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Choices, as vLLM writes them."""
        self.asked.append(body)
        if self.refuses and "logprob_token_ids" in body:
            raise Refused("unknown field", status=400)
        prompts = body["prompt"] if isinstance(body["prompt"][0], list) else [body["prompt"]]
        drawn = body["allowed_token_ids"][0] if self.obeys and "allowed_token_ids" in body else int(LOGS.argmax())
        listed = body.get("logprob_token_ids") if self.by_ids else None
        listed = listed or np.argsort(LOGS)[-body["logprobs"] :].tolist()
        told = {
            "tokens": [f"token_id:{drawn}"],
            "token_logprobs": [LOGS[drawn]],
            "top_logprobs": [{f"token_id:{t}": LOGS[t] for t in {*listed, drawn}}],
        }
        return [{"logprobs": told} for _ in prompts]


def right(codes: LabelCodes, prior: tuple[float, ...] = ()) -> np.ndarray:
    logs = np.array([LOGS[list(s)].sum() for s in codes.sequences])
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
    assert [("logprob_token_ids" in body) for body in server.asked] == [True, False][: 1 + refuses]


def test_where_the_rest_could_matter_it_is_asked_for() -> None:
    """With a prior against the likely labels an unlikely one may win: then it is exact, by a request for each that was
    not told.
    """
    server, prior = Telling(by_ids=False), (0.0, 0.0, -9.0, -12.0)
    np.testing.assert_allclose(label_logs(server, (1, 2), CODES, prior), right(CODES, prior), atol=1e-9)
    forced = sorted(body["allowed_token_ids"] for body in server.asked[1:])
    assert forced == sorted([s[0]] for s in CODES.sequences[2:])


@pytest.mark.parametrize("by_ids", [True, False], ids=["new", "older"])
def test_labels_of_several_tokens_are_read_where_they_part(by_ids: bool) -> None:
    """One request with a prompt for every beginning that labels share; no `prompt_logprobs`, by which a server with
    adapters ends.
    """
    a, b, c = (int(t) for t in np.argsort(LOGS)[[-1, -2, -40]])
    codes = LabelCodes(("x", "y", "z"), ((a, b, c), (a, c), (b, a, a)))
    server = Telling(by_ids=by_ids)
    said = label_logs(server, (1, 2), codes)
    np.testing.assert_allclose(np.exp(said), np.exp(right(codes)), atol=1e-3)
    assert not by_ids or said == pytest.approx(right(codes), abs=1e-9)
    assert sorted(server.asked[0]["prompt"]) == sorted([[1, 2], [1, 2, a], [1, 2, a, b], [1, 2, b], [1, 2, b, a]])
    assert all("prompt_logprobs" not in body for body in server.asked)


def test_many_prompts_go_in_several_requests() -> None:
    """As many as one request may have; each place by itself."""
    server = Telling(by_ids=True)
    found = places(server, [(k,) for k in range(70)], [3, 4])
    assert [len(body["prompt"]) for body in server.asked] == [64, 6]
    assert all(place[3] == LOGS[3] for place in found)
    assert len(server.asked) == 2
    (place,) = places(server, [(1,)], list(range(60)) * 2)
    assert place == pytest.approx(dict(enumerate(LOGS)))
    assert [len(body["logprob_token_ids"]) for body in server.asked[2:]] == [100, 20]


def test_a_server_that_tells_nothing() -> None:
    """It is said what is missing, and nothing is guessed."""
    with pytest.raises(NotServed, match="log-probabilities by token"):
        label_logs(lambda body: [{"logprobs": None}], (1, 2), CODES)
    with pytest.raises(NotServed, match="not allowed"):
        label_logs(Telling(by_ids=False, obeys=False), (1, 2), CODES, (0.0, 0.0, -9.0, -12.0))


def test_entropy_by_the_likeliest_is_never_more() -> None:
    """With everything told it is the entropy itself; with less it is less, by at most what the rest could hold."""
    whole = float(-(np.exp(LOGS) * LOGS).sum())
    assert entropy_of(dict(enumerate(LOGS))) == pytest.approx(whole)
    told = {int(t): float(LOGS[t]) for t in np.argsort(LOGS)[-20:]}
    rest = 1 - np.exp(list(told.values())).sum()
    assert whole - rest * np.log(40) <= entropy_of(told) <= whole
