"""`GET /v1/models` and `GET /healthz`: what answers here, and whether all is well."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from homeostat.serve.answer import Answerer
from homeostat.types.release import Release


async def models(request: Request) -> JSONResponse:
    """Every released task as a model of its own name, and each version in force as `task@version`."""
    answerer: Answerer = request.app.state.answerer
    entries: list[dict[str, object]] = []
    for task in answerer.tasks:
        release = answerer.routes.current(task)
        if release is not None:
            entries += _entries(task, release)
    return JSONResponse({"object": "list", "data": entries})


async def healthz(request: Request) -> JSONResponse:
    """Who answers each task; status 503 while a task's newest release cannot be put in force or threads have died."""
    answerer: Answerer = request.app.state.answerer
    releases = {task: answerer.routes.current(task) for task in answerer.tasks}
    problems = dict(answerer.routes.problems)
    problems.update(dict.fromkeys(answerer.dead_threads(), "this thread has died"))
    body = {
        "status": "failing" if problems else "ok",
        "tasks": {t: {"version": r.champion, "stage": r.stage.value} if r else None for t, r in releases.items()},
        "problems": problems,
    }
    return JSONResponse(body, 503 if problems else 200)


def _entries(task: str, release: Release) -> list[dict[str, object]]:
    names = [task, *(f"{task}@{v}" for v in (release.champion, release.candidate, *release.shares) if v)]
    common = {"object": "model", "created": int(release.time), "owned_by": "homeostat"}
    return [{"id": name, **common} for name in names]
