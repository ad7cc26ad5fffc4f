"""Errors as the OpenAI API writes them, with our code and how to fix it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from homeostat.errors import (
    BadRequest,
    HomeostatError,
    NotFound,
    NothingReleased,
    NotLetIn,
    NotServed,
    StoreFull,
    StoreUnreachable,
    UnsuitedModel,
)

STATUSES: dict[type[HomeostatError], int] = {
    BadRequest: 400,
    UnsuitedModel: 400,
    NotFound: 404,
    NothingReleased: 503,
    NotServed: 503,
    StoreUnreachable: 503,
    StoreFull: 507,
}
"""HTTP status of an error; 500 for all others."""


async def on_homeostat_error(request: Request, problem: Exception) -> JSONResponse:
    """An error with a code of ours."""
    if not isinstance(problem, HomeostatError):
        return await on_anything(request, problem)
    message = f"{problem.what} ({problem.where})" if problem.where else problem.what
    message += f" — fix: {problem.fix}" if problem.fix else ""
    status = next((STATUSES[kind] for kind in type(problem).__mro__ if kind in STATUSES), 500)
    return _body(status, message, problem.code, problem.where)


async def on_http_exception(request: Request, problem: Exception) -> JSONResponse:
    """A path or method that does not exist."""
    if not isinstance(problem, HTTPException):
        return await on_anything(request, problem)
    message = f"{problem.detail}: {request.method} {request.url.path}"
    return _body(problem.status_code, message, "", "")


async def on_anything(request: Request, problem: Exception) -> JSONResponse:
    """A fault of ours; what it was stands in the log, not in the answer."""
    return _body(500, "the gateway failed; its log says why", "E000", "")


def too_large(most_bytes: int) -> JSONResponse:
    """A body over the limit."""
    return _body(413, f"the body is larger than {most_bytes} bytes", BadRequest.code, "body")


def not_let_in(*, browser: bool) -> JSONResponse:
    """A request without a key; a browser is told to ask for one."""
    refusal = _body(401, "no key, or one that is not known: send `Authorization: Bearer KEY`", NotLetIn.code, "")
    refusal.headers["WWW-Authenticate"] = 'Basic realm="homeostat"' if browser else "Bearer"
    return refusal


def _body(status: int, message: str, code: str, param: str) -> JSONResponse:
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": param or None, "code": code or None}
    return JSONResponse({"error": error}, status)
