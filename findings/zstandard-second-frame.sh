#!/usr/bin/env bash
# zstandard 0.25.0: one call to decompress() gives the first frame of several, and no error.
# Guess: joined frames are one valid stream, as the format says and gzip.decompress() has it for gzip members; what is
# left unread is at least an error.
# Seen: ZstdDecompressor().decompress() answers with the first frame's bytes alone. Its own stream_reader(), and
# pyarrow, give all of them.
# Matters: a log that is compressed and appended to, or a request body put together from two batches, loses all but
# its beginning, and what is left parses.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check zstandard==0.25.0 pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PYTHON'
import gzip
import io
from importlib.metadata import version

import pyarrow as pa
import zstandard

lines = [b'{"event": "first"}\n', b'{"event": "second"}\n']
members = b"".join(gzip.compress(line) for line in lines)
frames = b"".join(zstandard.ZstdCompressor().compress(line) for line in lines)
once = zstandard.ZstdDecompressor().decompress(frames)
streamed = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(frames)).read()
print("zstandard", version("zstandard"), {"decompress": once, "stream_reader": streamed})
assert gzip.decompress(members) == b"".join(lines)
assert once == lines[0], once
assert streamed == b"".join(lines), streamed
assert pa.CompressedInputStream(pa.BufferReader(frames), "zstd").read() == b"".join(lines)
PYTHON
