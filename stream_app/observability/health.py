"""The health page of a process: whether it works and, if not, why and since when."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import orjson

PATH = "/health"
WORKS = "ok"


class Health:
    """A process's last report on itself; written and read by different threads."""

    def __init__(self) -> None:
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """What is wrong, in a few words; empty if nothing."""
        return self._trouble

    def report(self, trouble: str = "") -> None:
        """Report what is wrong now, or that nothing is."""
        self._trouble = trouble

    def page(self, others: WSGIApplication) -> WSGIApplication:
        """`/health`, answered by 200 or 503, beside the pages of another application."""

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if environ["PATH_INFO"] != PATH:
                return others(environ, start_response)
            trouble = self._trouble
            status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
            headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
            start_response(f"{status.value} {status.phrase}", headers)
            return [orjson.dumps({"status": trouble or WORKS})]

        return answer
