"""How to reach the brokers, as aiokafka and as Faust want to be told."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import faust
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from faust.types.auth import AuthProtocol

from stream_app.errors import BrokerError, SettingsError
from stream_app.settings import Settings


def client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments of every aiokafka client.

    Raises:
        SettingsError: a certificate cannot be read.
    """
    password = settings.kafka_password
    return {
        "bootstrap_servers": settings.kafka_servers,
        "security_protocol": settings.kafka_security_protocol,
        "ssl_context": _ssl_context(settings),
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_username,
        "sasl_plain_password": password.get_secret_value() if password else None,
    }


def faust_credentials(settings: Settings) -> faust.SSLCredentials | faust.SASLCredentials | None:
    """The same for a Faust app; None in plain text."""
    context = _ssl_context(settings)
    match settings.kafka_security_protocol:
        case "PLAINTEXT":
            return None
        case "SSL":
            return faust.SSLCredentials(context)
    password = settings.kafka_password
    credentials = faust.SASLCredentials(
        username=settings.kafka_username,
        password=password.get_secret_value() if password else None,
        mechanism=settings.kafka_sasl_mechanism,
        ssl_context=context,
    )
    credentials.protocol = AuthProtocol(settings.kafka_security_protocol)
    return credentials


async def connect(settings: Settings) -> AIOKafkaAdminClient:
    """A started admin client; a broker that does not answer is tried again up to `kafka_timeout`.

    Raises:
        BrokerError: no broker answered in time, or it refused the login.
    """
    deadline = asyncio.get_running_loop().time() + settings.kafka_timeout
    while True:
        admin = AIOKafkaAdminClient(**client_options(settings))
        try:
            await admin.start()
        except (KafkaError, OSError) as error:
            await admin.close()
            if asyncio.get_running_loop().time() > deadline:
                raise BrokerError(
                    f"no broker at {settings.kafka_servers} answered within {settings.kafka_timeout:.0f} s "
                    f"({error}): start it, or set STREAM_APP_KAFKA_SERVERS"
                ) from error
            await asyncio.sleep(0.5)
        else:
            return admin


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    if not settings.kafka_security_protocol.endswith("SSL"):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca_file)
        if settings.kafka_cert_file is not None:
            context.load_cert_chain(settings.kafka_cert_file, settings.kafka_key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"a certificate cannot be read ({error}): check kafka_ca_file, kafka_cert_file and kafka_key_file"
        ) from error
    return context
