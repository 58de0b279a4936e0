"""A page that sends what a standard tracker sends, to try the collector from a real browser."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, RedirectResponse, Response

FOLDER = Path(__file__).parent
# The page runs only its own script file and connects only to this server.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

router = APIRouter()


@router.get("/")
async def root() -> Response:
    """Redirect to the page."""
    return RedirectResponse("/demo")


@router.get("/demo")
async def page() -> Response:
    """The page."""
    return FileResponse(FOLDER / "demo.html", media_type="text/html", headers=HEADERS)


@router.get("/demo.js")
async def script() -> Response:
    """Its script."""
    return FileResponse(FOLDER / "demo.js", media_type="text/javascript", headers=HEADERS)
