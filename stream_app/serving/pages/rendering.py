"""Templates filled, with what every page has: its menu, and what a browser may load for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from stream_app.serving.api.keys import Caller, Scope

HERE = Path(__file__).parent
MENU = (
    ("/", "Today", Scope.AGGREGATE),
    ("/people", "People", Scope.READ),
    ("/drivers", "Drivers", Scope.AGGREGATE),
    ("/content", "Content", Scope.AGGREGATE),
    ("/groups", "Groups", Scope.AGGREGATE),
    ("/playground", "Recommendations", Scope.AGGREGATE),
    ("/docs", "API", Scope.AGGREGATE),
)
# Nothing from another host, and no script but ours: what a name of an item holds is never run.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; object-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def render(
    request: Request, template: str, caller: Caller | None, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page for a caller; None of nobody yet."""
    scopes = caller.scopes if caller else frozenset()
    place = "/" + request.url.path.strip("/").partition("/")[0]
    html = fill(
        template,
        menu=[(path, name) for path, name, scope in MENU if scope in scopes],
        here=place,
        caller=caller.name if caller else "",
        **values,
    )
    return HTMLResponse(html, status, HEADERS)


def fill(template: str, **values: Any) -> str:
    """A template with its values, each escaped but what is `drawn`."""
    return _templates.get_template(template).render(values)


def drawn(picture: str) -> Markup:
    """A picture of ours, whose texts are escaped already."""
    return Markup(picture)
