"""Bodies that are too large."""

from __future__ import annotations

import httpx
import openai

from homeostat.gateway.limits import MOST_BYTES


def ask(client: openai.OpenAI) -> str:
    got = client.chat.completions.create(model="routing", messages=[{"role": "user", "content": "parcel"}])
    return str(got.id)


def test_a_body_over_the_limit_is_refused_as_it_comes_in(client: openai.OpenAI, address: str) -> None:
    """413 with an error object, whether the length was announced or not, and the gateway goes on."""
    for content in (b"x" * (MOST_BYTES + 1), iter([b"x" * 65536] * 70)):
        got = httpx.post(f"{address}/v1/chat/completions", content=content)
        assert (got.status_code, got.json()["error"]["code"]) == (413, "E502")
    assert ask(client)
