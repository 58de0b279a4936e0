"""Events with personal texts in every field that a sender may fill as they please."""

from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from stream_app.testing import event, label, page, session, track

EMAIL, PHONE = "grace.hopper@example.com", "+1-202-555-0143"
IPV4, IPV6 = "198.51.100.77", "2001:db8:85a3::8a2e:370:7334"
PERSONAL = (EMAIL, PHONE, IPV4, IPV6)


def planted_events(personal: str) -> Iterator[bytes]:
    """Events of every type, good, broken and late, by two users, with a text wherever one can be."""
    sentence = f"see {personal} now"
    context = {
        "ip": IPV4,
        "userAgent": f"Mozilla/5.0 {personal}",
        "locale": personal,
        "timezone": personal,
        "sessionId": personal,
        "page": {
            "url": f"https://shop.example.com/?q={personal}&email={personal}",
            "path": f"/user/{personal}",
            "referrer": f"https://www.google.com/search?q={personal}",
            "title": sentence,
        },
        "device": {"type": personal},
        "os": {"name": personal},
        "browser": {"name": personal},
        "location": {"country": personal},
        "campaign": {"source": personal, "medium": personal, "name": personal},
    }
    properties: dict[str, Any] = {
        "product_id": personal,
        "category": personal,
        "brand": personal,
        "tags": [personal, sentence],
        "query": sentence,
        "search": personal,
        "path": f"/{personal}",
        "products": [{"product_id": personal, "category": personal}],
    }
    traits = {"email": personal, "note": sentence, personal: 1, "plan": personal, "control_group": personal}
    features = {personal: 1.0, "note": personal}
    yield page("u", 0, "item-1")
    yield event("page", "u", 1, name=sentence, category=personal, properties=properties, context=context)
    yield event("screen", "u", 2, name=personal, properties=properties, context=context)
    for name in (personal, "Product Viewed", "Product Added", "Order Completed"):
        yield track("u", 3, name, properties, context=context)
    yield event("identify", "u", 5, traits=traits, context=context, anonymousId="a")
    yield event("page", "", 6, anonymousId="a", name=personal, properties=properties, context=context)
    yield event("group", "u", 6, groupId=personal, traits=traits)
    yield session("u", 7, 3, 2, sessionId=personal, items=[personal], searchQuery=sentence)
    yield label("u", 8, personal)
    yield label("u", 8, 2, personal)
    yield event(
        "label", "u", 9, properties={"target": "x", "value": 1, "itemId": personal, "features": features}
    )
    yield event("page", "u", 10, name=personal, context={"ip": personal, "sessionId": [personal]})
    yield b'{"type": "page", "userId": "u", "note": "' + personal.encode() + b'", broken'
    yield event("track", "u", 11, name=personal, properties=properties)  # without the name of an event
    yield page("v", 90_000, "item-2")
    yield event("page", "u", 12, name=personal, properties=properties, context=context)


def found_in(folder: Path, texts: Iterable[str]) -> set[str]:
    """Which texts the bytes of a folder's files hold anywhere."""
    wanted = set(texts)
    held = b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    return {text for text in wanted if text.encode() in held}


def found_in_outputs(bodies: Iterable[bytes], texts: Iterable[str]) -> set[str]:
    """Which texts outputs hold, the originals of failed events included."""
    wanted, found = set(texts), set()
    for body in bodies:
        output = orjson.loads(body)
        original = urlsafe_b64decode(output.get("original") or "")
        found |= {text for text in wanted if text.encode() in body or text.encode() in original}
    return found
