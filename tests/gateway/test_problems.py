"""Errors as the API writes them."""

from __future__ import annotations

import httpx


def test_paths_and_methods_that_do_not_exist_have_error_objects_too(address: str) -> None:
    """A client of the API can read whatever comes back."""
    missing = httpx.post(f"{address}/v1/completions", json={})
    wrong = httpx.get(f"{address}/v1/chat/completions")
    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert missing.json()["error"]["message"] == "Not Found: POST /v1/completions"
    assert wrong.json()["error"]["type"] == "invalid_request_error"
