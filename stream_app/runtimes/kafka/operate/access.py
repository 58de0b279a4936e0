"""The first connection: finds the wrong setting if a broker answers but denies access."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    GroupCoordinatorNotAvailableError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from stream_app.errors import AccessError, BrokerError
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.settings.environment import Settings

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
FIRST_WORD_SECONDS = 2.0
NEXT_WORD_SECONDS = 5.0
REFUSALS = (
    ssl.SSLError,
    AuthenticationFailedError,
    IllegalSaslStateError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)


async def connect(settings: Settings) -> AIOKafkaAdminClient:
    """Return a started admin client; if no broker answers, retry for up to `kafka_timeout`.

    Meanwhile the log says how long it will keep trying.

    Raises:
        AccessError: a broker denies access; the message says what to set. BrokerError: none answered in time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + settings.kafka_timeout
    async with _countdown(settings, deadline):
        while True:
            admin = AIOKafkaAdminClient(**client_options(settings))
            try:
                async with asyncio.timeout_at(deadline):
                    await _check_access(settings)
                    await admin.start()
            except (KafkaError, OSError) as error:
                await admin.close()
                if loop.time() >= deadline:
                    raise BrokerError(
                        f"no broker at {settings.kafka_servers} answered within "
                        f"{settings.kafka_timeout:.0f} s ({str(error) or 'no answer'}): start it, or set "
                        "STREAM_APP_KAFKA_SERVERS and STREAM_APP_KAFKA_SECURITY_PROTOCOL"
                    ) from error
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return admin


async def find_coordinator(group: str, settings: Settings) -> None:
    """Wait until the cluster has a coordinator for a group; a new cluster creates it on the first request.

    aiokafka's consumers would wait for it too, but log an error for each attempt.

    Raises:
        AccessError: a broker denies access; the message says what to set. BrokerError: there is none in time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + settings.kafka_timeout
    admin = await connect(settings)
    try:
        while True:
            try:
                await admin.find_coordinator(group)
            except GroupCoordinatorNotAvailableError:
                if loop.time() >= deadline:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return
    except KafkaError as error:
        raise BrokerError(f"the brokers give {group} no coordinator: {error!r}") from error
    finally:
        await admin.close()


@asynccontextmanager
async def _countdown(settings: Settings, deadline: float) -> AsyncIterator[None]:
    """Log after a while that no broker answers, and then how much longer it will wait."""

    async def tell() -> None:
        pause = FIRST_WORD_SECONDS
        loop = asyncio.get_running_loop()
        while deadline - loop.time() > pause:
            await asyncio.sleep(pause)
            left = deadline - loop.time()
            log.warning("no broker at %s answers yet: %.0f s more", settings.kafka_servers, left)
            pause = NEXT_WORD_SECONDS

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait([telling])


async def _check_access(settings: Settings) -> None:
    """Log in to one of the brokers and out again, because aiokafka's clients log a refusal but hide it.

    Raises:
        AccessError: a broker denies access; the message says what to set. KafkaError, OSError: none answers.
    """
    options = client_options(settings)
    error: Exception | None = None
    for host, port, _ in collect_hosts(options.pop("bootstrap_servers")):
        try:
            connection = await create_conn(host, port, **options)
        except REFUSALS as refusal:
            raise AccessError(f"{host}:{port} {_advice(refusal, settings)}") from refusal
        except (KafkaError, OSError) as lost:
            error = lost
        else:
            connection.close()
            return
    assert error is not None
    raise error


def _advice(refusal: Exception, settings: Settings) -> str:
    match refusal:
        case ssl.SSLCertVerificationError():
            return (
                f"shows a certificate that is not trusted ({refusal.verify_message}): set "
                "STREAM_APP_KAFKA_CA_FILE to the authority that signed it, and in STREAM_APP_KAFKA_SERVERS "
                "call it by the name in it"
            )
        case ssl.SSLError():
            return (
                f"and this process agree on no encryption ({refusal.reason}): set "
                "STREAM_APP_KAFKA_SECURITY_PROTOCOL, or the certificates"
            )
        case UnsupportedSaslMechanismError():
            return f"takes no {settings.kafka_sasl_mechanism}: set STREAM_APP_KAFKA_SASL_MECHANISM"
        case IllegalSaslStateError():
            return "wants no login: set STREAM_APP_KAFKA_SECURITY_PROTOCOL to PLAINTEXT or SSL"
    return (
        f"refuses the login of {settings.kafka_username}: set STREAM_APP_KAFKA_USERNAME and "
        "STREAM_APP_KAFKA_PASSWORD"
    )
