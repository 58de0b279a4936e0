"""Whatever is sent, looking at it takes time in proportion to its length.

Work is counted as CPU time of this thread, the least of several passes, at two lengths of the same text:
sixteen times the text may take 64 times as long; work in the square would take 256 times. Every public
function of these rooms that takes somebody else's text is in `SCANNERS` or in `BOUNDED_OTHERWISE`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from pydantic import ValidationError

import stream_app.intake
import stream_app.serving.collector
from stream_app.intake import (
    check_digits,
    consent,
    decoding,
    email_addresses,
    id_fields,
    ip_addresses,
    named_users,
    observations,
    personal_text,
    properties,
    repairs,
    trackers,
    wire,
    written_numbers,
)
from stream_app.intake.cleaning import (
    campaigns,
    domains,
    missing,
    names,
    personal,
    referrers,
    search_terms,
    taxonomy,
    transports,
    urls,
    user_agents,
)
from stream_app.intake.cleaning.cleaning import Cleaner
from stream_app.intake.privacy import Privacy
from stream_app.intake.trackers import (
    amplitude_forms,
    commerce,
    context_places,
    field_values,
    flat,
    forms,
    json_records,
    kept_fields,
    query_strings,
)
from stream_app.intake.trackers.declaration import Sent, TrackerForm
from stream_app.serving.collector import batch_bounds, form_data, paths, receipt
from stream_app.serving.collector.refusals import RefusedError
from stream_app.settings.rules import Rules

SHORT, LONG = 250, 4_000
MOST_GROWTH = 4 * LONG // SHORT
NOTICEABLE = 0.002  # seconds at the greater length; what takes less is taken as it is
PASSES = 4

# Repeated until they have the length: what a pattern could begin with, over and over, and never end.
PARTS = (
    "a", "1", " ", ".", "@", "-", "(", ":", "+", "/", "=", "&", "%", "_", ",", "\t", "\u0301", "é",
    "\ufdfa", "a.", "a@", "@a", "1.", "1-", "1 ", "1:", ":1", "+1", "00", "00 1", "(1", "1)", "%40",
    "%20", "\\u0040", "&#64;", "[at]", "( at", " @", "@ a.", "a.b@", "4111 ", "4111-", "DE12 ",
    "GB12WEST", "ab12cd34", "f:", "::", "1::", "111-", "415-", "415-555-", "0151 ", "a=b&", "e=pv",
    "iglu:a/", "contexts_1_", '"userId":', '"userId" : ', "Mozilla/5.0 (", "1_", "-1", "1e", "e1", "0x",
    "<a>", "{", "[", '{"a":', "http://", "http://a.b/", "xn--a.",
)  # fmt: skip

Scan = Callable[[str], object]
RULES = Rules()
PRIVACY = Privacy([("k", b"secret of a test")])
CLEANER = Cleaner()
TAXONOMY = taxonomy.shipped_taxonomy()


def _event(text: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": text[:256] or "x",
        "userId": "u",
        "messageId": text[:256] or "m",
        "timestamp": "2026-03-02T08:00:05Z",
        "properties": {"a": text, text: 1, "product_id": text, "products": [{"sku": text}]},
        **fields,
    }


def _bytes(value: object) -> bytes:
    return json.dumps(value).encode()


def _fields(text: str) -> dict[str, Any]:
    """As many fields as the text has pairs of characters, with their place in the name."""
    return {f"{place}{text[place : place + 2]}": text[place : place + 2] for place in range(0, len(text), 2)}


def _described(text: str) -> dict[str, Any]:
    return {"schema": f"iglu:com.a/{text}/jsonschema/1-0-0", "data": {"schema": text, "data": _fields(text)}}


def _decode(text: str) -> None:
    decoding.decode(_bytes(_event(text)), 1e12, PRIVACY, RULES)
    decoding.decode(text.encode(), 1e12, PRIVACY, RULES)
    decoding.decode(
        _bytes({"type": "page", "timestamp": text, "messageId": [text], **_fields(text)}),
        1e12,
        PRIVACY,
        RULES,
    )


def _personal(text: str) -> None:
    personal_text.find_personal(text, as_id=True)
    personal_text.find_personal(text, as_id=False)


def _numbers(text: str) -> None:
    number = re.sub(r"\D", "", text) or "1"
    field_values.number(text)
    field_values.number("-" + number)
    field_values.number(number + "." + number)
    field_values.text(10 ** min(len(text), 4_000))


def _describe(text: str) -> None:
    CLEANER.describe(text, text, text, text, text, text, (text, text, text, text, text))


def _record(text: str) -> dict[str, Any]:
    """What any form looks for, as that form names it, and a field of each two characters."""
    described = json.dumps(_described(text))
    return {
        **_fields(text),
        **dict.fromkeys(("event", "e", "aid", "api_key", "token", "url", "page", "ip", "co", "cx"), text),
        **dict.fromkeys(("distinct_id", "user_id", "item_id", "event_id", "ts", "res", "dtm"), text),
        **dict.fromkeys(("$set", "$set_once", "traits", "context", "properties"), _fields(text)),
        **dict.fromkeys(("ue_pr", "contexts", "unstruct_event"), described),
        f"contexts_{text}": [_fields(text)],
        "type": "track",
    }


def _posthog_record(text: str) -> dict[str, Any]:
    return {"event": text, "properties": {"distinct_id": text, "$set": _fields(text), **_fields(text)}}


def _hostile_bodies(text: str) -> Iterator[bytes]:
    members = [_record(text), _posthog_record(text)]
    yield text.encode()
    yield "\t".join([text.replace("\t", " ")] * 4 + ["page_view"] + [""] * 126).encode()
    yield _bytes(members[0])
    yield _bytes(members)
    lists = dict.fromkeys(("batch", "data", "events", "requests"), members)
    yield _bytes({"schema": "x", "api_key": text, "context": _fields(text), **lists})


def _read_form(form: TrackerForm) -> Scan:
    """Everything that a form reads: records, and requests to each of its routes."""
    # Routes that read alike, such as the calls of Segment, count once.
    reads = {getattr(route.read, "func", route.read): route.read for route in (*form.routes, *form.starts)}

    def read(text: str) -> None:
        query = {name: str(value) for name, value in _record(text).items()}
        headers = {"user-agent": text, "content-type": text}
        for body in _hostile_bodies(text):
            with suppress(trackers.Unreadable):
                form.read(body)
            for read_request in reads.values():
                with suppress(trackers.Unreadable):
                    read_request(Sent(body, query, headers, {"key": text}))

    return read


def _flat(text: str) -> bytes:
    return _bytes({"user_id": text, "item_id": text, "event": text, "ts": text, **_fields(text)})


def _parse(scan: Callable[[bytes], object]) -> Scan:
    def parse(text: str) -> None:
        for body in (text.encode(), b'{"a":' + text.encode(), _bytes([text]), b"[" + b"1" * len(text) + b"]"):
            with suppress(trackers.Unreadable, RefusedError):
                scan(body)

    return parse


def _repair(text: str) -> None:
    with suppress(ValidationError):
        repairs.fit(_event(text, sessionId=text, context={"page": {"title": text}}, originalTimestamp=text))


SCANNERS: dict[str, Scan] = {
    "check_digits.is_card": check_digits.is_card,
    "check_digits.iban_length": lambda t: check_digits.iban_length(t[:80]),  # as long as its pattern is wide
    "cleaning.campaigns.read_campaign": campaigns.read_campaign,
    "cleaning.campaigns.campaign_of_query": lambda t: campaigns.campaign_of_query(f"utm_source={t}&{t}"),
    "cleaning.campaigns.name_campaign": lambda t: campaigns.name_campaign(t, t, t, t, t),
    "cleaning.cleaning.Cleaner.describe": _describe,
    "cleaning.domains.registered_domain": domains.registered_domain,
    "cleaning.domains.domain_of_host": lambda t: domains.domain_of_host(t[:253]),  # as `split_url` bounds it
    "cleaning.domains.site_of_host": lambda t: domains.site_of_host(t[:253]),
    "cleaning.domains.DomainTable.find": lambda t: domains.DomainTable([("a.b", 1)]).find(t[:253]),
    "cleaning.missing.present": lambda t: missing.present(t, len(t)),
    "cleaning.names.name_device": names.name_device,
    "cleaning.names.name_system": names.name_system,
    "cleaning.names.name_browser": names.name_browser,
    "cleaning.personal.scrub": personal.scrub,
    "cleaning.personal.looks_like_id": personal.looks_like_id,
    "cleaning.referrers.read_referrer": referrers.read_referrer,
    "cleaning.referrers.classify_referrer": lambda t: referrers.classify_referrer(t, t),
    "cleaning.referrers.source_of_domain": lambda t: referrers.source_of_domain(t[:64]),
    "cleaning.referrers.site_search_terms": lambda t: referrers.site_search_terms(f"q={t}"),
    "cleaning.search_terms.tokenise": search_terms.tokenise,
    "cleaning.taxonomy.Taxonomy.classify": lambda t: TAXONOMY.classify(t[:253], t),
    "cleaning.taxonomy.classify_url": taxonomy.classify_url,
    "cleaning.transports.is_transport": transports.is_transport,
    "named_users.named_users": lambda t: (
        named_users.named_users(t.encode()),
        named_users.named_users(_bytes({"userId": t})),
    ),
    "named_users.owner_of": lambda t: (
        named_users.owner_of(t.encode()),
        named_users.owner_of(_bytes({"event": "e", "distinct_id": t})),
        named_users.owner_of(b'{"distinct_id": "' + t.encode()),
    ),
    "observations.name_of": observations.name_of,
    "cleaning.urls.split_url": urls.split_url,
    "cleaning.urls.read_parameters": lambda t: urls.read_parameters(t, {"a"}),
    "cleaning.user_agents.parse_user_agent": user_agents.parse_user_agent,
    "consent.update_consent": lambda t: consent.update_consent(1, dict.fromkeys(_fields(t), True), 1),
    "decoding.decode": _decode,
    "decoding.classify_json": lambda t: decoding.classify_json(t.encode(), t),
    "email_addresses.find_emails": lambda t: list(email_addresses.find_emails(t)),
    "id_fields.is_id_field": id_fields.is_id_field,
    "ip_addresses.find_addresses": lambda t: (
        list(ip_addresses.find_addresses(t)),
        list(ip_addresses.find_addresses(t, in_agent=True)),
    ),
    "ip_addresses.parse_address": ip_addresses.parse_address,
    "personal_text.find_personal": _personal,
    "personal_text.is_personal": personal_text.is_personal,
    "personal_text.without_personal": lambda t: personal_text.without_personal({t: t}),
    "privacy.Privacy.user_key": PRIVACY.user_key,
    "privacy.Privacy.user_keys": PRIVACY.user_keys,
    "privacy.Privacy.marker": PRIVACY.marker,
    "privacy.Privacy.markers": PRIVACY.markers,
    "privacy.Privacy.scrub": lambda t: (
        PRIVACY.scrub(_event(t)),
        PRIVACY.scrub({"context": {"userAgent": t, "ip": t}}),
    ),
    "privacy.Privacy.scrub_bytes": lambda t: PRIVACY.scrub_bytes(b"\xff{" + t.encode()),
    "privacy.Privacy.mask_ip": PRIVACY.mask_ip,
    "properties.item_id": lambda t: properties.item_id({"product_id": t}),
    "properties.path_of_url": properties.path_of_url,
    "properties.plain_id": lambda t: (properties.plain_id(t), properties.plain_id(t + ".0")),
    "repairs.fit": _repair,
    "repairs.id_text": repairs.id_text,
    "written_numbers.read_number": written_numbers.read_number,
    "trackers.json_records.has_numbers_beyond_json": lambda t: json_records.has_numbers_beyond_json(
        t.encode()
    ),
    "properties.order_id": lambda t: properties.order_id({"order_id": t}),
    "properties.traits_of": lambda t: (properties.traits_of({t: t}), properties.traits_of(_fields(t))),
    "properties.tags_of": lambda t: properties.tags_of({"tags": list(t)}),
    "properties.products_of": lambda t: list(properties.products_of({"products": [_fields(t)]})),
    "trackers.commerce.event_name": commerce.event_name,
    "trackers.context_places.short_text": context_places.short_text,
    "trackers.context_places.url_text": context_places.url_text,
    "trackers.context_places.user_agent_text": context_places.user_agent_text,
    "trackers.context_places.pop_context": lambda t: context_places.pop_context(
        {"os": t, **_fields(t)}, flat.PLACES
    ),
    "trackers.field_values.text": field_values.text,
    "trackers.field_values.number": _numbers,
    "trackers.field_values.iso_time": field_values.iso_time,
    "trackers.field_values.real_id": lambda t: field_values.real_id(t, t),
    "trackers.field_values.pop_id": lambda t: field_values.pop_id({"a": t, "b": t}, "a", "b"),
    "trackers.field_values.given": lambda t: field_values.given(**_fields(t)),
    "trackers.field_values.pop_text": lambda t: field_values.pop_text({"a": t}, "a"),
    "trackers.forms.claims": lambda t: [
        forms.claims(form, body) for form in forms.FORMS.values() for body in (t.encode(), b"?" + t.encode())
    ],
    "trackers.forms.detect": lambda t: (forms.detect(t.encode()), forms.detect(_bytes([_posthog_record(t)]))),
    "trackers.json_records.decode_base64": json_records.decode_base64,
    "trackers.amplitude_forms.read_upload": _parse(
        lambda body: amplitude_forms.read_upload(Sent(body, {"e": body.decode()}, {}, {}))
    ),
    "trackers.json_records.read_data": lambda t: json_records.read_data({"data": t}),
    "trackers.json_records.read_form": _parse(json_records.read_form),
    "trackers.json_records.only_key": lambda t: json_records.only_key({t}),
    "trackers.json_records.parse_object": _parse(json_records.parse_object),
    "trackers.json_records.parse_json": _parse(json_records.parse_json),
    "trackers.json_records.parse_objects": _parse(json_records.parse_objects),
    "trackers.query_strings.parse_query": _parse(query_strings.parse_query),
    "trackers.kept_fields.keep": lambda t: kept_fields.keep({**_fields(t), "a": [list(t)] * 3}),
    "wire.convert_event": lambda t: wire.convert_event(_event(t)),
    "collector.batch_bounds.check_shape": lambda t: batch_bounds.check_shape(t.encode()),
    "collector.form_data.is_form": lambda t: form_data.is_form(t.encode()),
    "collector.form_data.read_form": _parse(form_data.read_form),
    "collector.paths.plain_path": lambda t: (paths.plain_path(t), paths.plain_path("/v1" + t)),
    "collector.receipt.Receipt.stamp": lambda t: receipt.Receipt(0.0, "192.0.2.1", t).stamp(
        _event(t, context=_fields(t))
    ),
    **{f"form {form.name}": _read_form(form) for form in forms.FORMS.values()},
}

OWN_WORDS = "sees words of ours alone"
OWN_FILES = "reads a file of the operator's"
LOOKS_UP = "looks a few names up"
HEADERS = "reads headers, which the server bounds at 64 KiB, by splitting them"
BOUNDED_OTHERWISE: dict[str, str] = {
    "cleaning.data_files.read_text": OWN_WORDS,
    "cleaning.data_files.read_table": OWN_WORDS,
    "cleaning.names.device_of_system": OWN_WORDS,
    "cleaning.taxonomy.load_taxonomy": OWN_FILES,
    "cleaning.taxonomy.parse_taxonomy": OWN_FILES,
    "properties.number": "converts one number",
    "tracker_tables.filled": OWN_WORDS,
    "use.Use.value": "walks to a property that a definition names",
    "use.Use.values": "walks to a property that a definition names",
    "trust.is_trusted": LOOKS_UP,
    "trust.mark": LOOKS_UP,
    "collector.write_keys.name_of_key": "hashes one key",
    "properties.revenue_of": LOOKS_UP,
    "properties.search_of": LOOKS_UP,
    "consent.consent_bits": OWN_WORDS,
    "trackers.commerce.order_revenue": LOOKS_UP,
    "trackers.commerce.shop_properties": LOOKS_UP,
    "trackers.forms.read": "reads by a form of this table",
    "trackers.declaration.claim_nothing": "does nothing",
    "trackers.declaration.TrackerForm.claims": "does nothing",
    "trackers.declaration.TrackerForm.claims_text": "does nothing",
    "trackers.json_records.text_in": LOOKS_UP,
    "trackers.json_records.require_list": "counts the members of a list",
    "trackers.json_records.require_objects": "counts the members of a list",
    "collector.bodies.BodyReader.read": "unpacks in one pass, within the body's bound",
    "collector.clients.Clients.address": HEADERS,
    "collector.clients.Clients.check_forward": "splits an address of at most 8,192 characters",
    "collector.clients.Clients.place": "reads the address that the socket names",
    "collector.clients.Clients.check_local": HEADERS,
    "collector.clients.Clients.check_origin": HEADERS,
    "collector.collector.leave_as_is": "does nothing",
    "collector.server.listen": OWN_WORDS,
    "collector.write_keys.WriteKeys.check": "compares with each key once",
    "collector.write_keys.shown_outside_body": HEADERS,
}  # fmt: skip

# A parameter of one of these may hold somebody else's text.
TEXTUAL = re.compile(r"\b(?:str|bytes|Any|object|Request|TextIO|Path|Described|Mapping)\b")


def _texts(parts: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for part in parts:
        yield part, (part * SHORT)[:SHORT], (part * LONG)[:LONG]


def _forget() -> None:
    """Empty the memos, so that each pass does the work."""
    for memo in (personal_text._is_personal, campaigns.name_campaign, search_terms.tokenise,
                 user_agents.parse_user_agent, domains._extract, domains._domains_above,
                 CLEANER._described, CLEANER._page, CLEANER._origin):  # fmt: skip
        memo.cache_clear()
    PRIVACY._fields.clear()
    for cleaned in (PRIVACY._masked, *PRIVACY._cleaned.values()):
        cleaned.clear()


def _work(scan: Scan, text: str) -> float:
    _forget()
    started = time.thread_time()
    scan(text)
    return time.thread_time() - started


@pytest.mark.parametrize("name", SCANNERS)
def test_work_grows_with_the_length_alone(name: str) -> None:
    scan = SCANNERS[name]
    # A form makes many records of one text.
    parts = PARTS[:: len(PARTS) // 8] if name.startswith("form ") else PARTS
    for part, short, long in _texts(parts):
        least = _work(scan, long)
        if least < NOTICEABLE:
            continue
        few = min(_work(scan, short) for _ in range(PASSES))
        for _ in range(PASSES):
            if least <= MOST_GROWTH * few:
                break
            least = min(least, _work(scan, long))
        assert least <= MOST_GROWTH * few, f"{part!r}: {few * 1e3:.2f} ms, then {least * 1e3:.1f} ms"


def test_a_quadratic_scan_is_noticed() -> None:
    pattern = re.compile(r"[\w.+%-]+@")
    text = "a" * LONG
    assert _work(pattern.search, text) > MOST_GROWTH * _work(pattern.search, text[:SHORT])


def _public_functions() -> Iterator[tuple[str, Callable[..., object]]]:
    for package, title in ((stream_app.intake, ""), (stream_app.serving.collector, "collector.")):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            short = title + found.name.removeprefix(f"{package.__name__}.")
            for name, value in vars(module).items():
                inner = inspect.unwrap(value) if callable(value) else value
                if name.startswith("_") or getattr(inner, "__module__", None) != found.name:
                    continue
                if inspect.isfunction(inner):
                    yield f"{short}.{name}", inner
                elif inspect.isclass(inner) and not getattr(inner, "_is_protocol", False):
                    for method, body in vars(inner).items():
                        if not method.startswith("_") and inspect.isfunction(inspect.unwrap(body)):
                            yield f"{short}.{name}.{method}", inspect.unwrap(body)


def _modules_of_forms() -> set[str]:
    package = forms.__package__
    names = {module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)}
    names.remove("forms")  # gathers them
    return {name for name in names if hasattr(importlib.import_module(f"{package}.{name}"), "FORMS")}


def test_every_function_that_looks_at_foreign_text_is_in_the_table() -> None:
    looking = set()
    for name, function in _public_functions():
        kinds = [str(kind) for parameter, kind in function.__annotations__.items() if parameter != "return"]
        if any(TEXTUAL.search(kind) for kind in kinds):
            looking.add(name)
    # A module or folder that declares forms is read through them; sources read the operator's own files.
    forms_in = tuple(f"trackers.{name}." for name in _modules_of_forms())
    looking = {name for name in looking if not name.startswith((*forms_in, "sources."))}
    table = {name for name in (*SCANNERS, *BOUNDED_OTHERWISE) if not name.startswith("form ")}
    assert looking - table == set(), "add these to SCANNERS, or say in BOUNDED_OTHERWISE what bounds them"
    assert table - looking == set(), "these are gone: take them out of the table"
