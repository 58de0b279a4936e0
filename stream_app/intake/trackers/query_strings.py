"""Query strings, as trackers send them in an address or a body."""

from __future__ import annotations

from urllib.parse import parse_qsl

from stream_app.intake.trackers.json_records import Unreadable

MAX_PARAMETERS = 512


def parse_query(written: bytes | str) -> dict[str, str]:
    """The parameters of a query string or of an address that ends with one.

    Raises:
        Unreadable: it is not UTF-8, or has no parameters or too many.
    """
    try:
        text = written.decode() if isinstance(written, bytes) else written
        pairs = parse_qsl(text.strip().rpartition("?")[2], max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise Unreadable("the query string is not UTF-8") from None
    except ValueError:
        raise Unreadable(f"the query string has more than {MAX_PARAMETERS} parameters") from None
    if not pairs:
        raise Unreadable("neither a JSON object nor a query string")
    return dict(pairs)
