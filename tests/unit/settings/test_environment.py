import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from stream_app.definitions.file import parse_definitions
from stream_app.errors import SettingsError
from stream_app.intake import consent
from stream_app.intake.trackers import FORMS
from stream_app.settings.environment import PREFIX, Settings
from stream_app.settings.loading import load_settings
from stream_app.settings.placeholder_ids import SHIPPED
from stream_app.settings.rules import Rules


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)


def test_defaults_are_those_of_the_core() -> None:
    assert load_settings().rules == Rules()


def test_flags_go_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_APP_PARTITIONS", "7")
    monkeypatch.setenv("STREAM_APP_SESSION_GAP", "60")
    assert load_settings().partitions == 7
    chosen = load_settings(["partitions=9", "state_dir=/somewhere"])
    assert (chosen.partitions, chosen.session_gap, chosen.state_dir) == (9, 60.0, Path("/somewhere"))


OWN = """[[features]]
name = "orders"
about = "Orders"
events = { type = "track", name = "Order Completed" }
aggregate = "count"
"""


def test_every_rule_that_is_a_setting_reaches_the_core(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    shared = Settings.model_fields.keys() & Rules.__dataclass_fields__.keys()
    assert shared == Rules.__dataclass_fields__.keys() - {"earliest_time"}
    written = {
        "tracker_form": "posthog",
        "default_consent": "marketing,analytics",
        "content_starts": "Quiz Begun, page",
        "content_completions": "",
        "placeholder_ids": "Kiosk",
        "definitions": str(own),
    }
    changed = {
        name: getattr(Rules(), name) + (1 if "limit" not in name else 1e6) for name in shared - set(written)
    }
    flags = [f"{name}={value}" for name, value in (changed | written).items()]
    bits = consent.MARKETING | consent.ANALYTICS
    expected = Rules(
        tracker_form="posthog",
        default_consent=bits,
        content_starts=frozenset({"Quiz Begun", "page"}),
        content_completions=frozenset(),
        placeholder_ids=SHIPPED.changed(["Kiosk"], []),
        definitions=parse_definitions(OWN, changed["session_gap"]),
        **changed,
    )
    assert load_settings(flags).rules == expected


def test_every_form_of_a_tracker_can_be_named() -> None:
    for form in FORMS:
        assert load_settings([f"tracker_form={form}"]).tracker_form == form
    with pytest.raises(SettingsError, match="tracker_form 'urchin'"):
        load_settings(["tracker_form=urchin"])


def test_nothing_may_be_agreed_to_by_default() -> None:
    assert load_settings(["default_consent="]).rules.default_consent == 0
    assert load_settings(["hashed_fields="]).hashed_fields == ()


def test_privacy_keys_are_named_newest_first() -> None:
    new, old = "n" * 16, "o:" * 8
    chosen = load_settings([f"privacy_keys=k2:{new}, k1:{old}"])
    assert chosen.named_privacy_keys == [("k2", new.encode()), ("k1", old.encode())]
    assert load_settings().named_privacy_keys == []
    assert new not in repr(chosen)


def test_settings_are_frozen_and_described() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().partitions = 3
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("flag", "sentence"),
    [
        ("partitons=3", r"^partitons is not a setting: did you mean partitions\?$"),
        ("zzz=3", "zzz is not a setting: `stream-app settings` lists all"),
        ("partitions", "--set partitions: write --set NAME=VALUE"),
        ("partitions=0", r"partitions '0': .*greater than or equal to 1 .*STREAM_APP_PARTITIONS"),
        ("partitions=many", "partitions 'many': .*valid integer"),
        ("session_gap=nan", "session_gap"),
        ("session_gap=inf", "session_gap"),
        ("session_gap=-1", "session_gap '-1'"),
        ("session_limit=60", "session_limit must be at least session_gap"),
        ("kafka_servers=host", "kafka_servers 'host'"),
        ("kafka_servers=http://host:1", "kafka_servers"),
        ("kafka_security_protocol=SASL_SSL", "needs kafka_username and kafka_password"),
        ("kafka_cert_file=cert.pem", "kafka_cert_file and kafka_key_file go together"),
        ("app_id=a b", "app_id 'a b'"),
        ("recommend_count=0", "recommend_count '0'"),
        ("tier_targets=", "tier_targets"),
        ("tier_targets=a,,b", "tier_targets"),
        ("default_consent=analytics,sale", "default_consent"),
        ("privacy_keys=k1:too-short", "privacy_keys must be written NAME:SECRET"),
        ("privacy_keys=sixteen-and-more-characters", "privacy_keys must be written NAME:SECRET"),
        ("masked_octets=5", "masked_octets '5'"),
        ("row_validity=0", "row_validity '0'"),
    ],
)
def test_senseless_values_are_refused_with_what_to_write(flag: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load_settings([flag])


@pytest.mark.parametrize("variable", ["STREAM_APP_PARTITONS", "stream_app_partitons"])
def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "3")
    with pytest.raises(SettingsError, match="did you mean STREAM_APP_PARTITIONS"):
        load_settings()


def test_targets_are_separated_by_commas() -> None:
    assert load_settings(["tier_targets=a, b"]).tier_targets == ("a", "b")


def test_secrets_are_never_shown() -> None:
    secret = "sixteen-and-more-characters"
    chosen = load_settings([f"snapshot_key={secret}", f"kafka_password={secret}"])
    assert secret not in repr(chosen)
    assert secret not in str(chosen.model_dump())
    assert chosen.required_snapshot_key == secret.encode()
    with pytest.raises(SettingsError, match="snapshot_key: ") as refusal:
        load_settings(["snapshot_key=too-short"])
    assert "too-short" not in str(refusal.value)


def test_a_missing_snapshot_key_says_what_to_write() -> None:
    with pytest.raises(SettingsError, match="STREAM_APP_SNAPSHOT_KEY is not set: write any secret"):
        _ = load_settings().required_snapshot_key
