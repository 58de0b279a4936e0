"""Every setting, in one frozen class, with what must hold between them."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, SecretStr, create_model, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from stream_app.definitions.file import NONE, Definitions
from stream_app.errors import SettingsError
from stream_app.features.declared.bounds import MOST_BYTES
from stream_app.intake.consent import consent_bits
from stream_app.intake.privacy import USER_FIELDS
from stream_app.intake.trackers import FORM_SETTINGS, FORMS
from stream_app.models.recommenders.diversity import GroupCaps
from stream_app.models.recommenders.surface_rules import Exclusion, SurfaceRules
from stream_app.schemas.events import Id
from stream_app.settings.api_keys import ApiKey, parse_api_keys
from stream_app.settings.definitions import load_definitions
from stream_app.settings.placeholder_ids import SHIPPED, PlaceholderIds
from stream_app.settings.rules import CONTENT_COMPLETIONS, CONTENT_STARTS, Rules

PREFIX = "STREAM_APP_"
_RULES = Rules()
MIN_PRIVACY_SECRET = 16


if TYPE_CHECKING:
    _FormSettings = BaseSettings
else:
    _FormSettings = create_model(
        "_FormSettings",
        __base__=BaseSettings,
        **{
            setting.name: (
                str,
                Field(setting.default, pattern=setting.pattern, description=setting.description),
            )
            for setting in FORM_SETTINGS
        },
    )


class Settings(_FormSettings):
    """All settings, those of trackers' forms first. Spans are in seconds, sizes in bytes.

    Secrets are never printed.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", allow_inf_nan=False)

    app_id: str = Field(
        "stream-app",
        pattern=r"^[a-zA-Z0-9._-]{1,100}$",
        description="Consumer group and changelog prefix.",
    )
    state_dir: Path = Field(Path("state"), description="Folder of a worker's local rows (RocksDB).")
    partitions: int = Field(
        4, ge=1, le=1024, description="Partitions that users are spread over; fixed once topics exist."
    )
    replication: int = Field(1, ge=1, le=10, description="Replicas of each topic.")

    topic_prefix: str = Field(
        "",
        pattern=r"^[a-zA-Z0-9._-]{0,100}$",
        description="Prefix of every topic name, such as `staging.`, for sharing a cluster.",
    )
    kafka_servers: str = Field(
        "127.0.0.1:9092",
        pattern=r"^[^\s,/]+:\d+(,[^\s,/]+:\d+)*$",
        description="Bootstrap servers, as host:port,host:port.",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Protocol for talking to the brokers."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="Login mechanism with a SASL protocol."
    )
    kafka_username: str | None = Field(None, description="Login name with a SASL protocol.")
    kafka_password: SecretStr | None = Field(None, description="Password of that user.")
    kafka_ca_file: Path | None = Field(
        None, description="CA certificates to trust with SSL, in PEM; default: the system's."
    )
    kafka_cert_file: Path | None = Field(None, description="Client certificate, in PEM, for mutual TLS.")
    kafka_key_file: Path | None = Field(None, description="The client certificate's key, in PEM.")
    session_timeout: float = Field(
        30.0,
        ge=1,
        le=300,
        description="How long the broker waits for a dead worker before reassigning its partitions.",
    )
    kafka_timeout: float = Field(
        30.0, gt=0, le=600, description="How long the worker waits for a lost broker before it stops."
    )
    stall_timeout: float = Field(
        180.0,
        gt=0,
        le=3600,
        description="How long records may wait with none processed before the worker stops.",
    )

    batch_records: int = Field(500, ge=1, le=100_000, description="Most records of one partition in a batch.")
    batch_bytes: int = Field(4_194_304, ge=1024, description="Most bytes of one partition in a batch.")
    hot_rows: int = Field(50_000, ge=100, description="Rows kept decoded in memory, per process.")

    snapshot_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="Secret that signs model snapshots; the same for all processes of an application.",
    )
    earlier_snapshot_keys: SecretStr | None = Field(
        None,
        description="Earlier values of snapshot_key, the newest first, separated by commas: still accepted.",
    )
    audit_file: Path | None = Field(
        None,
        description="Where acts on a data folder are logged; default: `audit.jsonl` in the folder.",
    )
    snapshot_examples: int = Field(
        200, ge=1, description="Publish a snapshot after this many learned examples."
    )
    snapshot_interval: float = Field(
        30.0,
        gt=0,
        description="Publish a snapshot after this time if anything was learned.",
    )
    recommender_snapshot_interval: float = Field(
        600.0, gt=0, description="How often the recommender is published, if it has learned anything."
    )
    tier_targets: Annotated[tuple[Id, ...], NoDecode] = Field(
        ("engagement_tier", "marketing_target"), description="Label targets that train the tier model."
    )

    log_format: Literal["text", "json"] = Field(
        "text", description="How workers, trainers and the collector log: lines for people, or JSON."
    )
    metrics_host: str = Field("127.0.0.1", description="Address of the metrics page; loopback by default.")
    metrics_port: int = Field(9108, ge=0, le=65535, description="Port of the metrics page; 0 disables it.")

    collector_host: str = Field("127.0.0.1", description="Address of the collector; loopback by default.")
    collector_port: int = Field(8090, ge=1, le=65535, description="Port of the collector.")
    write_keys: SecretStr | None = Field(
        None,
        description="Keys, comma-separated, of which a tracker in pages and apps must present one; without "
        "any key only clients of this machine are accepted.",
    )
    server_keys: SecretStr | None = Field(
        None,
        description="Keys, comma-separated, known to servers only: they may also send labels and merge "
        "people who are identified.",
    )
    collector_body_bytes: int = Field(
        6_000_000, ge=1024, le=20_000_000, description="Largest request body, decompressed."
    )
    collector_rate: float = Field(
        1000.0, gt=0, description="Events per second that one client may send with one write key."
    )
    collector_burst: int = Field(
        5000, ge=1, description="Events that such a client may send at once after a pause."
    )
    collector_timeout: float = Field(
        10.0, ge=1, le=300, description="How long an event may take to become durable before it is refused."
    )
    cors_origins: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None,
        description="Sites whose pages may send, as https://host,https://host, or *; none: only the "
        "collector's own pages.",
    )
    trusted_proxies: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None,
        description="Addresses or networks, comma-separated, of proxies whose X-Forwarded-For is trusted.",
    )

    api_host: str = Field("127.0.0.1", description="Address of the API and the pages; loopback by default.")
    api_port: int = Field(8091, ge=1, le=65535, description="Port of the API and the pages.")
    api_keys: SecretStr | None = Field(
        None,
        description="Keys of the API as NAME:SECRET:SCOPE,NAME:SECRET:SCOPE, with the scopes recommend, "
        "aggregate, read and act; without any key only clients of this machine are answered.",
    )
    api_hosts: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="Host names, comma-separated, under which the API is asked; loopback always is."
    )
    api_rate: float = Field(2000.0, gt=0, description="Requests per second that one client may make.")
    api_burst: int = Field(4000, ge=1, description="Requests that one client may make at once after a pause.")

    idle_check: float = Field(5.0, gt=0, description="How often idle partitions are checked.")
    session_gap: float = Field(_RULES.session_gap, gt=0, description="Inactivity that ends a session.")
    session_limit: float = Field(_RULES.session_limit, gt=0, description="Longest session.")
    allowed_lateness: float = Field(
        _RULES.allowed_lateness, ge=0, description="How late an event may arrive and still count."
    )
    allowed_skew: float = Field(
        _RULES.allowed_skew, ge=0, description="How far ahead of its receipt an event's time may be."
    )
    max_event_bytes: int = Field(_RULES.max_event_bytes, ge=256, le=1_000_000, description="Largest event.")
    tracker_form: str = Field("", description="Format of the input records; empty: detected by their shape.")
    taxonomy_file: Path | None = Field(
        None, description="Taxonomy of sites, in TOML; none: the one that is shipped."
    )
    definitions: Path | None = Field(
        None, description="Features of a company's own, in TOML; none: those of the product alone."
    )
    definitions_bytes: int = Field(
        MOST_BYTES,
        ge=256,
        le=65_536,
        description="Most bytes of a user's row that such features may take, all together.",
    )
    placeholder_ids: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None,
        description="Further texts, comma-separated, that trackers send for a missing id, in addition to "
        "`undefined`, `null` and the other known ones.",
    )
    real_ids: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None,
        description="Ids, comma-separated, such as `0`, that are real here and must not count as missing.",
    )
    privacy_keys: SecretStr | None = Field(
        None, description="Secrets for making pseudonyms, as NAME:SECRET,NAME:SECRET, newest first."
    )
    hashed_fields: Annotated[tuple[str, ...], NoDecode] = Field(
        ("email", "phone"),
        description="Fields replaced by a pseudonym, or removed if there is no key; may include `userId`.",
    )
    masked_octets: int = Field(1, ge=0, le=4, description="Octets of an IPv4 address to mask.")
    default_consent: Annotated[tuple[Literal["analytics", "personalisation", "marketing"], ...], NoDecode] = (
        Field(
            ("analytics", "personalisation", "marketing"),
            description="Purposes assumed agreed by users who have not stated their consent.",
        )
    )
    row_validity: float = Field(
        _RULES.row_validity, gt=0, description="How long after the user's last event a row expires."
    )
    max_users: int = Field(
        _RULES.max_users,
        ge=0,
        description="Most users per partition; the longest idle are removed first; 0: no limit.",
    )
    loyal_uses: int = Field(
        _RULES.loyal_uses, ge=1, description="Number of sessions from which a user counts as loyal."
    )
    outlook_horizon: float = Field(
        _RULES.outlook_horizon, gt=0, description="How far ahead returns, churn and purchases are predicted."
    )
    outlook_interval: float = Field(
        _RULES.outlook_interval, gt=0, description="How often an outcome example is started for a user."
    )
    content_starts: Annotated[tuple[str, ...], NoDecode] = Field(
        CONTENT_STARTS,
        description="Events that start an item; `page` stands for opened pages and screens.",
    )
    content_completions: Annotated[tuple[str, ...], NoDecode] = Field(
        CONTENT_COMPLETIONS, description="Events that complete an item, or the items of an order."
    )
    content_horizon: float = Field(
        _RULES.content_horizon, gt=0, description="How long after its start an item may be completed."
    )
    content_read_after: float = Field(
        _RULES.content_read_after,
        ge=0,
        description="How long a visit must continue for a page to count as read, if `page` starts items.",
    )
    content_interval: float = Field(
        86_400.0, gt=0, description="How often item scores are published, in event time."
    )
    tier_interval: float = Field(
        _RULES.tier_interval, ge=0, description="Shortest time between two scores of a user within a session."
    )
    tier_validity: float = Field(
        _RULES.tier_validity, gt=0, description="How long a tier is valid before it is sent again."
    )
    unlearn_after: float = Field(
        300.0,
        ge=0,
        le=1800,  # of the hour that is promised; the rest is for learning anew
        description="Models learn anew without erased users so long after the first of them was; the trainer "
        "commits nothing meanwhile (Kafka).",
    )
    rescore_within: float = Field(
        600.0,
        ge=0,
        description="All users are scored anew within so long of models that learned much more, or learned "
        "at all where nothing has come for as long; 0 for never (Kafka).",
    )
    recommend_interval: float = Field(
        _RULES.recommend_interval, ge=0, description="Shortest time between two lists for a user."
    )
    recommend_count: int = Field(_RULES.recommend_count, ge=1, le=100, description="Items in a list.")
    recommend_validity: float = Field(
        _RULES.recommend_validity, gt=0, description="How long a list may be shown."
    )
    recommend_exclude: Annotated[tuple[Exclusion, ...], NoDecode] = Field(
        (Exclusion.BOUGHT, Exclusion.UNAVAILABLE),
        description="What to leave out of lists: bought, consumed, unavailable, current.",
    )
    recommend_per_category: int = Field(
        0, ge=0, description="Most items of one category in a list; 0: no limit."
    )
    recommend_per_brand: int = Field(0, ge=0, description="Most items of one brand in a list; 0: no limit.")
    recommend_exploration: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of lists whose last place is drawn, to learn what users like.",
    )
    recommend_factorisation: bool = Field(
        False, description="Learn users' tastes by matrix factorisation, the most expensive source."
    )

    @model_validator(mode="after")
    def _belong_together(self) -> Settings:
        if self.session_limit < self.session_gap:
            raise ValueError("session_limit must be at least session_gap")
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_username and self.kafka_password
        ):
            raise ValueError("a SASL protocol needs kafka_username and kafka_password")
        if any(
            not name.isalnum() or len(secret) < MIN_PRIVACY_SECRET for name, secret in self.named_privacy_keys
        ):
            raise ValueError(
                "privacy_keys must be written NAME:SECRET,NAME:SECRET, each name of letters and digits, "
                f"each secret of at least {MIN_PRIVACY_SECRET} characters"
            )
        if not self.named_privacy_keys and not USER_FIELDS.isdisjoint(self.hashed_fields):
            raise ValueError("user ids in hashed_fields need privacy_keys: without, all users would be one")
        if shared := {*self.accepted_write_keys} & {*self.accepted_server_keys}:
            raise ValueError(
                f"{len(shared)} of the server_keys are write_keys too: what stands in pages is no secret"
            )
        if (self.kafka_cert_file is None) != (self.kafka_key_file is None):
            raise ValueError("kafka_cert_file and kafka_key_file go together")
        return self

    @field_validator("tracker_form")
    @classmethod
    def _is_declared(cls, value: str) -> str:
        if value and value not in FORMS:
            raise ValueError(f"must be one of {', '.join(FORMS)}, or empty")
        return value

    @field_validator("write_keys", "server_keys")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and any(len(key) < 8 for key in _split(value.get_secret_value())):
            raise ValueError("each write key must have at least 8 characters")
        return value

    @field_validator("api_keys")
    @classmethod
    def _are_api_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_api_keys(value.get_secret_value())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for origin in value or ():
            if origin != "*" and not re.fullmatch(r"https?://[^\s/,@]+", origin):
                raise ValueError(f"{origin} is not an origin: write https://host or https://host:port")
        return tuple(origin.lower() for origin in value) if value else None

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for network in value or ():
            ip_network(network)
        return value

    @field_validator("tier_targets", "cors_origins", "trusted_proxies", "api_hosts", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return _split(value) if isinstance(value, str) else value

    @field_validator(
        "hashed_fields",
        "default_consent",
        "recommend_exclude",
        "content_starts",
        "content_completions",
        "placeholder_ids",
        "real_ids",
        mode="before",
    )
    @classmethod
    def _split_names_or_none(cls, value: object) -> object:
        return () if value == "" else cls._split_names(value)

    @property
    def accepted_write_keys(self) -> tuple[str, ...]:
        """The keys of which a tracker must present one."""
        return _split(self.write_keys.get_secret_value()) if self.write_keys else ()

    @property
    def accepted_server_keys(self) -> tuple[str, ...]:
        """The keys known only to servers."""
        return _split(self.server_keys.get_secret_value()) if self.server_keys else ()

    @property
    def known_api_keys(self) -> tuple[ApiKey, ...]:
        """The keys of the API."""
        return parse_api_keys(self.api_keys.get_secret_value()) if self.api_keys else ()

    @property
    def rules(self) -> Rules:
        """The settings that the core uses."""
        shared = (type(self).model_fields.keys() & Rules.__dataclass_fields__.keys()) - {
            "placeholder_ids",
            "definitions",
        }
        values = {name: getattr(self, name) for name in shared}
        values["default_consent"] = consent_bits(self.default_consent)
        for name in ("content_starts", "content_completions"):
            values[name] = frozenset(values[name])
        return Rules(**values, placeholder_ids=self.all_placeholder_ids, definitions=self.loaded_definitions)

    @property
    def loaded_definitions(self) -> Definitions:
        """What the company declares of itself.

        Raises:
            SettingsError: the file cannot be read, or something in it is wrong.
        """
        if self.definitions is None:
            return NONE
        return load_definitions(self.definitions, self.session_gap, self.definitions_bytes)

    @property
    def all_placeholder_ids(self) -> PlaceholderIds:
        """All placeholder ids."""
        return SHIPPED.changed(self.placeholder_ids or (), self.real_ids or ())

    @property
    def surface_rules(self) -> SurfaceRules:
        """The rules for recommendations."""
        return SurfaceRules(
            frozenset(self.recommend_exclude),
            GroupCaps(self.recommend_per_category or None, self.recommend_per_brand or None),
            self.recommend_exploration,
            factorisation=self.recommend_factorisation,
        )

    @property
    def named_privacy_keys(self) -> list[tuple[str, bytes]]:
        """The pseudonyms' keys by name, newest first."""
        given = self.privacy_keys.get_secret_value() if self.privacy_keys is not None else ""
        pairs = [entry.strip().partition(":") for entry in given.split(",") if entry.strip()]
        return [(name, secret.encode()) for name, _, secret in pairs]

    @property
    def required_snapshot_key(self) -> bytes:
        """The key that signs snapshots.

        Raises:
            SettingsError: none is set.
        """
        if self.snapshot_key is None:
            raise SettingsError(
                f"{PREFIX}SNAPSHOT_KEY is not set: write any secret of at least 16 characters, "
                "the same for all workers; it signs the models that they exchange"
            )
        return self.snapshot_key.get_secret_value().encode()

    @property
    def former_snapshot_keys(self) -> tuple[bytes, ...]:
        """The keys that signed snapshots earlier, the newest first."""
        given = self.earlier_snapshot_keys.get_secret_value() if self.earlier_snapshot_keys else ""
        return tuple(key.encode() for key in _split(given) if key)

    @property
    def snapshot_keys(self) -> tuple[bytes, ...]:
        """The key that signs snapshots, and those that did earlier.

        Raises:
            SettingsError: none is set.
        """
        return (self.required_snapshot_key, *self.former_snapshot_keys)


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(","))
