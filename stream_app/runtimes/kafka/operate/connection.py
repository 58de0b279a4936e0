"""Broker connection settings in the forms that aiokafka and Faust expect."""

from __future__ import annotations

import ssl
from typing import Any

import faust
from faust.types.auth import AuthProtocol

from stream_app.errors import SettingsError
from stream_app.settings.environment import Settings


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
