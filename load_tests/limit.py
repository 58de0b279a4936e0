"""The upper bound: only aiokafka's `getmany` and orjson. Prints the number of events decoded so far.

python -m load_tests.limit SERVERS SOURCE
"""

from __future__ import annotations

import asyncio
import sys

import orjson
from aiokafka import AIOKafkaConsumer


async def run(servers: str, source: str) -> None:
    """Decode everything that arrives, until terminated."""
    decoded = 0
    async with AIOKafkaConsumer(source, bootstrap_servers=servers, auto_offset_reset="earliest") as consumer:
        while True:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    orjson.loads(record.value)
                decoded += len(records)
            print(decoded, flush=True)  # noqa: T201  # read by the process that measures


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
