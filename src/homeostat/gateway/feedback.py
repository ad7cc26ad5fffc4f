"""`POST /v1/feedback`: one statement about an interaction, or a list; 201 when all rows are durable."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse

from homeostat.gateway.body import json_value
from homeostat.serve.answer import Answerer


async def feedback(request: Request) -> JSONResponse:
    """Take feedback; the ids come back in the order of the statements, with warnings if there is cause for some."""
    answerer: Answerer = request.app.state.answerer
    warnings: dict[str, None] = {}
    rows = await asyncio.to_thread(answerer.feedback, json_value(await request.body()), warnings.setdefault)
    request.app.state.metrics.feedback(rows)
    warned = {"warnings": list(warnings)} if warnings else {}
    return JSONResponse({"ids": [row.id for row in rows], **warned}, 201)
