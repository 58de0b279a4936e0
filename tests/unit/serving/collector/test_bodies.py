import asyncio
import base64
import gzip
import zlib
from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from stream_app.serving.collector import bodies
from stream_app.serving.collector.bodies import BodyReader
from stream_app.serving.collector.refusals import RefusedError

LIMIT = 64


def raw_deflate(body: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(body) + packing.flush()


PACKERS = {
    "gzip": ("gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "identity": ("identity", bytes),
    "none": ("", bytes),
}


def request_of(chunks: Iterable[bytes], declared: int | None = None, **headers: str) -> Request:
    waiting = list(chunks)

    async def receive() -> dict[str, object]:
        if not waiting:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    if declared is not None:
        named.append((b"content-length", str(declared).encode()))
    return Request({"type": "http", "headers": named, "query_string": b""}, receive)


async def read_all(reader: BodyReader, request: Request) -> bytes:
    async with reader.read(request) as body:
        return body


def read(request: Request, limit: int = LIMIT) -> bytes | str:
    """The body, or the reason why not."""
    try:
        return asyncio.run(read_all(BodyReader(limit), request))
    except RefusedError as refusal:
        return refusal.reason.value


JSON = st.binary(max_size=2 * LIMIT).map(lambda text: b"[" + text)
GZIP = gzip.compress(b"{}", mtime=0)


@settings(deadline=None)  # the first call loads what the others have
@given(
    JSON | st.integers(0, 100_000).map(lambda length: b"{" + bytes(length)),
    st.sampled_from(sorted(PACKERS)),
    st.integers(1, 40),
    st.booleans(),
    st.booleans(),
)
def test_a_body_is_read_whole_or_refused_for_its_unpacked_size(
    body: bytes, packer: str, chunk: int, is_declared: bool, is_hinted: bool
) -> None:
    encoding, pack = PACKERS[packer]
    packed = pack(body) if is_hinted or encoding != "deflate" else zlib.compress(body)
    chunks = [packed[start : start + chunk] for start in range(0, len(packed), chunk)] or [b""]
    hint = {"content_encoding": encoding} if is_hinted else {}
    request = request_of(chunks, len(packed) if is_declared else None, **hint)
    is_small = max(len(body), len(packed)) <= LIMIT
    assert read(request) == (body if is_small else "too_large")


@settings(deadline=None)
@given(JSON, st.sampled_from(["gzip", "zlib", "raw deflate"]), st.data())
def test_a_packed_body_that_is_cut_short_is_refused(body: bytes, packer: str, data: st.DataObject) -> None:
    encoding, pack = PACKERS[packer]
    packed = pack(body)
    cut = data.draw(st.integers(0, len(packed) - 1))
    assert read(request_of([packed[:cut]], content_encoding=encoding), 1000) == "bad_encoding"


@pytest.mark.parametrize("packed", [b"no gzip", GZIP + b"more", GZIP * 2])
def test_what_is_no_gzip_or_more_than_one_is_refused(packed: bytes) -> None:
    assert read(request_of([packed], content_encoding="gzip"), 1000) == "bad_encoding"


def test_a_bomb_is_unpacked_no_further_than_the_limit() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert read(request_of([bomb], content_encoding="gzip"), 100_000) == "too_large"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_other_packings_are_refused(encoding: str) -> None:
    assert read(request_of([b"\x28\xb5\x2f\xfd"], content_encoding=encoding)) == "media_type"


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "application/x-www-form-urlencoded", "content_encoding": "gzip"},
        {"content_type": "text/plain"},
        {"content_type": "application/xml"},
        {},
    ],
)
@pytest.mark.parametrize(
    "sent",
    [
        GZIP,
        zlib.compress(b"{}"),
        b"data=e30=",
        b"data=e30%3D&compression=base64",
        b"ver=1&data=%7B%7D",
        b"data=" + base64.b64encode(GZIP),
        gzip.compress(b"data=e30", mtime=0),
        b"\xef\xbb\xbf{}",
    ],
)
def test_the_bytes_of_a_body_say_what_it_is(sent: bytes, headers: dict[str, str]) -> None:
    body = read(request_of([sent], **headers), 1000)
    is_wrongly_packed = "content_encoding" in headers and not sent.startswith((b"\x1f", b"x", b"\xef"))
    assert body == ("bad_encoding" if is_wrongly_packed else b"{}")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_what_was_unpacked_on_the_way_is_taken_though_its_headers_stayed(encoding: str) -> None:
    assert read(request_of([b' {"a": 1}'], content_encoding=encoding)) == b' {"a": 1}'


@pytest.mark.parametrize("form", [b"data=", b"other=e30=", b"data=%FF%FE", b"data=*"])
def test_a_form_without_json_is_refused(form: bytes) -> None:
    assert read(request_of([form], content_type="application/x-www-form-urlencoded")) == "bad_form"


def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "READ_SECONDS", 0.01)

    async def stalled() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    request = request_of([])
    request.stream = stalled  # type: ignore[assignment, method-assign]
    assert read(request) == "slow_body"


def test_a_client_that_goes_away_is_given_up() -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    assert read(Request({"type": "http", "headers": [], "query_string": b""}, receive)) == "slow_body"


async def _hold(reader: BodyReader) -> list[str]:
    outcomes: list[str] = []
    async with reader.read(request_of([b"[" * 64], 64)), reader.read(request_of([b"[" * 64], 64)):
        with pytest.raises(RefusedError) as refusal:
            await read_all(reader, request_of([b"a"], 1))
        outcomes.append(refusal.value.reason.value)
    outcomes.append((await read_all(reader, request_of([b"a"], 1))).decode())
    return outcomes


def test_only_so_many_bytes_are_held_at_one_time() -> None:
    assert asyncio.run(_hold(BodyReader(LIMIT, memory=2 * LIMIT))) == ["overloaded", "a"]
