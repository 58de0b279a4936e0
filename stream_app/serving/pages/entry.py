"""Who may see a page: by the session's cookie; else the way to the login."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, quote, urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stream_app.serving.api.access import Access
from stream_app.serving.api.keys import Caller, Scope
from stream_app.serving.api.problems import ProblemError
from stream_app.serving.pages.rendering import render
from stream_app.serving.pages.sessions import Sessions

Page = Callable[[Request, Caller], Awaitable[Response]]
SEE_OTHER = 303
router = APIRouter(include_in_schema=False)


def guarded(scope: Scope, page: Page) -> Callable[[Request], Awaitable[Response]]:
    """The page for callers with a scope; others are sent to the login, or told why not."""

    async def answer(request: Request) -> Response:
        access: Access = request.app.state.access
        try:
            caller = access.identify(request, None)
        except ProblemError as problem:
            if problem.status == 401 and access.keys:
                return RedirectResponse(f"/login?next={quote(_here(request))}", SEE_OTHER)
            return _explain(request, None, problem)
        try:
            if scope not in caller.scopes:
                raise ProblemError(403, f"this page needs a key with the scope {scope.value}")
            return await page(request, caller)
        except ProblemError as problem:
            return _explain(request, caller, problem)

    return answer


@router.get("/login")
async def show_login(request: Request) -> Response:
    """The form for a key."""
    return render(
        request, "login.html", None, problem="", next=_own_path(request.query_params.get("next", "/"))
    )


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Begin a session with a key."""
    access: Access = request.app.state.access
    sessions: Sessions = request.app.state.sessions
    form = await read_form(request)
    after = _own_path(form.get("next", "/"))
    if not access.keys:
        return RedirectResponse(after, SEE_OTHER)
    try:
        caller = access.identify(request, form.get("secret", ""))
    except ProblemError as problem:
        return render(request, "login.html", None, problem.status, problem=problem.detail, next=after)
    response = RedirectResponse(after, SEE_OTHER)
    sessions.begin(request, response, caller)
    return response


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """End the session."""
    response = RedirectResponse("/login", SEE_OTHER)
    request.app.state.sessions.end(response)
    return response


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form as browsers send it, each once."""
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}


def _explain(request: Request, caller: Caller | None, problem: ProblemError) -> Response:
    title = "Not found" if problem.status == 404 else "Not for this key" if problem.status == 403 else "Sorry"
    response = render(request, "problem.html", caller, problem.status, title=title, detail=problem.detail)
    response.headers.update(problem.headers)
    return response


def _here(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}" if request.method == "GET" else "/"


def _own_path(path: str) -> str:
    """A path of this server, and of no other: a link must not lead a login elsewhere."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc
    return path if is_ours and path.isprintable() else "/"
