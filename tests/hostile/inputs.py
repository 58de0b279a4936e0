"""Malformed and hostile inputs of many kinds, drawn from a seed, shuffled among good events.

They test the guards of this program alone: size, depth, form, names, numbers, times and texts.
"""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import orjson

from stream_app.schemas.events import EVENT_TYPES
from stream_app.testing import malformed

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
GOOD_EXAMPLES = [
    file.read_bytes() for name in EVENT_TYPES for file in sorted((EXAMPLES / name).glob("*.json"))
]
BAD_EXAMPLES = [file.read_bytes() for file in sorted(EXAMPLES.glob("*/bad/*"))]
GOOD_USER = "good-"
GOOD_USERS = 40
GOOD_SHARE = 0.25
LONGEST = 250_000  # bytes; more is cut off at the door
CUT_KEYS = (
    b"a",
    b"1",
    b" ",
    b"@",
    b".",
    b"1.",
    b"a@",
    b"+1 ",
    b"\\u0000",
    "\N{CJK UNIFIED IDEOGRAPH-4E2D}".encode(),
)
NUMBERS = (
    "1e160",
    "1e308",
    "-1e308",
    "1e400",
    "-0",
    "0.1e-400",
    "9" * 4_000,
    "NaN",
    "Infinity",
    "18446744073709551616",
)
PLACEHOLDERS = (
    "undefined",
    "null",
    "0",
    "NaN",
    "[object Object]",
    "00000000-0000-0000-0000-000000000000",
    " ",
)

Make = Callable[[Random, float], bytes]


class Input(NamedTuple):
    """A body and, where it is good, the user whose one page view it is."""

    value: bytes
    user: str = ""


def shuffled(seed: int, count: int, now: float) -> list[Input]:
    """So many hostile inputs and, among them, good ones; all are sent at about `now` (epoch seconds)."""
    chance = Random(seed)
    inputs = [Input(chance.choice(KINDS)(chance, now)) for _ in range(count)]
    for number in range(round(GOOD_SHARE * count)):
        user = f"{GOOD_USER}{chance.randrange(GOOD_USERS)}"
        view = {"type": "page", "messageId": f"{GOOD_USER}{number}", "userId": user}
        inputs.append(Input(orjson.dumps(view | {"timestamp": _time(now - chance.uniform(0, 600))}), user))
    chance.shuffle(inputs)
    return inputs


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _event(chance: Random, now: float, **fields: Any) -> dict[str, Any]:
    user = f"hostile-{chance.randrange(30)}"
    at = _time(now - chance.uniform(0, 600))
    return {
        "type": chance.choice(["page", "track", "identify"]),
        "event": "Viewed",
        "userId": user,
        "timestamp": at,
    } | fields


def _malformed(chance: Random, _now: float) -> bytes:
    return malformed(chance).value or b""


def _example(chance: Random, _now: float) -> bytes:
    return chance.choice(BAD_EXAMPLES)


def _flipped(chance: Random, _now: float) -> bytes:
    """A good example of which some bytes were changed."""
    value = bytearray(chance.choice(GOOD_EXAMPLES))
    for _ in range(chance.randrange(1, 6)):
        value[chance.randrange(len(value))] = chance.randrange(256)
    return bytes(value)


def _truncated(chance: Random, _now: float) -> bytes:
    value = chance.choice(GOOD_EXAMPLES)
    return value[: chance.randrange(len(value))]


def _random_bytes(chance: Random, _now: float) -> bytes:
    return chance.randbytes(chance.randrange(400))


def _run(chance: Random, now: float) -> bytes:
    """A long run of one piece of text, as the quadratic patterns of old would not get through."""
    length = chance.choice([300, 3_000, 30_000, LONGEST])
    piece = chance.choice(CUT_KEYS).decode()
    place = chance.choice(["name", "properties", "traits", "context", "messageId"])
    text = (piece * length)[:length]
    return orjson.dumps(
        _event(chance, now, **{place: text if place in ("name", "messageId") else {"query": text}})
    )


def _number(chance: Random, now: float) -> bytes:
    """A number that no float or no column holds, as a trait, a price or a time."""
    name = chance.choice(["traits", "properties", "timestamp", "context"])
    mark = '"@"'
    fields = {name: "@"} if name == "timestamp" else {name: {"revenue": "@", "age": "@", "sessionId": "@"}}
    value = orjson.dumps(_event(chance, now, event="Order Completed", **fields)).decode()
    return value.replace(mark, chance.choice(NUMBERS)).encode()


def _deep(chance: Random, now: float) -> bytes:
    depth = chance.choice([30, 40, 600, 5_000])
    opened, closed = chance.choice([("[", "]"), ('{"a":', "}")])
    value = orjson.dumps(_event(chance, now, properties="@")).decode()
    return value.replace('"@"', opened * depth + "1" + closed * depth).encode()


def _wide(chance: Random, now: float) -> bytes:
    count = chance.choice([100, 5_000])
    many: Any = chance.choice(
        [
            {f"n{number}": number for number in range(count)},
            {"products": [{"product_id": f"p{number}"} for number in range(count)]},
            {"tags": [f"t{number}" for number in range(count)]},
        ]
    )
    place = chance.choice(["properties", "traits", "context"])
    return orjson.dumps(_event(chance, now, **{place: many}))


def _consent(chance: Random, now: float) -> bytes:
    said = {f"c{number}": True for number in range(chance.choice([3, 65, 2_000]))}
    return orjson.dumps(_event(chance, now, context={"consent": {"categoryPreferences": said}}))


def _placeholder(chance: Random, now: float) -> bytes:
    names = chance.sample(["userId", "anonymousId", "messageId"], 2)
    return orjson.dumps(_event(chance, now, **{name: chance.choice(PLACEHOLDERS) for name in names}))


def _sessions(chance: Random, now: float) -> bytes:
    """One user with a new session id each time."""
    about = {
        "context": {"sessionId": f"visit-{chance.random()}"},
        "properties": {"product_id": f"i{chance.random()}"},
    }
    return orjson.dumps(_event(chance, now, type="page", userId="hostile-visits", **about))


def _links(chance: Random, now: float) -> bytes:
    """Chains and circles of aliases, and everybody on one device."""
    first, second = (f"hostile-{chance.randrange(12)}" for _ in range(2))
    ids = chance.choice(
        [{"userId": first, "previousId": second}, {"userId": first, "anonymousId": "hostile-device"}]
    )
    return orjson.dumps(_event(chance, now, type=chance.choice(["alias", "identify"]), **ids))


def _wrong_time(chance: Random, now: float) -> bytes:
    days = chance.choice([-20_000, -400, 400, 2_000_000])
    try:
        at = (datetime.fromtimestamp(now, UTC) + timedelta(days=days)).isoformat()
    except OverflowError:
        at = "12026-01-01T00:00:00Z"
    return orjson.dumps(_event(chance, now, timestamp=at))


def _encoding(chance: Random, now: float) -> bytes:
    value = orjson.dumps(_event(chance, now, name="@"))
    odd = [b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"\x00", b"\xef\xbb\xbf"]
    return chance.choice(
        [value.replace(b"@", chance.choice(odd)), b"\xef\xbb\xbf" + value, value.decode().encode("utf-16")]
    )


def _repeated_names(chance: Random, now: float) -> bytes:
    value = orjson.dumps(_event(chance, now)).decode()
    return ("{" + '"userId":"x",' * chance.choice([2, 2_000]) + value[1:]).encode()


def _batch(chance: Random, now: float) -> bytes:
    members: list[Any] = [chance.choice([{}, 1, None, [], _event(chance, now)])] * chance.choice(
        [2, 501, 20_001]
    )
    return orjson.dumps({"batch": members, **chance.choice([{}, {"api_key": "k"}])})


def _packed(chance: Random, now: float) -> bytes:
    """What is packed where nobody packs, and packs to little."""
    return gzip.compress(orjson.dumps(_event(chance, now, name="a" * chance.choice([10, 10_000_000]))), 1)


def _label(chance: Random, now: float) -> bytes:
    value: Any = chance.choice([1, "low", 1e300, True, None, [], "x" * 300])
    about = {"target": chance.choice(["engagement_tier", "x" * 300, "made up", 7]), "value": value}
    return orjson.dumps(_event(chance, now, type="label", properties=about))


def _personal(chance: Random, now: float) -> bytes:
    """Texts that look like personal ones at every turn."""
    piece = chance.choice(
        ["a@b.example ", "+49 151 5550199 ", "192.0.2.1.", "2001:db8::", "DE00 0000 ", "4111-1111-"]
    )
    return orjson.dumps(_event(chance, now, name=piece * chance.choice([1, 50, 5_000])))


KINDS: tuple[Make, ...] = (
    _malformed,
    _example,
    _flipped,
    _truncated,
    _random_bytes,
    _run,
    _number,
    _deep,
    _wide,
    _consent,
    _placeholder,
    _sessions,
    _links,
    _wrong_time,
    _encoding,
    _repeated_names,
    _batch,
    _packed,
    _label,
    _personal,
)
