"""Logging of long-running processes: lines for people, or JSON for log collectors."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson

TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonFormatter(logging.Formatter):
    """One JSON object per line: `at` (UTC, ISO 8601), `level`, `logger`, `message`, maybe `traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, without a line break in it."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def begin_logging(as_json: bool) -> None:
    """Log to standard error: warnings of libraries, and our own messages from `info` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else logging.Formatter(TEXT_FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("stream_app").setLevel(logging.INFO)
