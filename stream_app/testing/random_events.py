"""Streams of random events, including late, repeated and bad ones, with pauses."""

from __future__ import annotations

from hashlib import blake2b
from random import Random

from stream_app.testing.events import JsonObject, event, label, page, session, track
from stream_app.testing.malformed import malformed


def random_events(random: Random, count: int, users: int = 8, mean_pause: float = 240.0) -> list[bytes]:
    """Events of several users in order of arrival, including late, repeated and bad ones, with pauses."""
    now, sent = 0.0, [b"{}"]
    while len(sent) <= count:
        is_night = random.random() < 0.02
        now += random.expovariate(1 / mean_pause) + (random.uniform(0, 3 * 86_400) if is_night else 0)
        if random.random() < 0.08:
            sent.append(random.choice(sent))
            continue
        if random.random() < 0.03:
            sent.append(malformed(random).value or b"")
            continue
        delay = random.choice([0, 0, 0, 0, random.uniform(0, 5_400)])
        sent.append(
            _random_event(random, f"user-{random.randrange(users)}", round(now - delay, 3), len(sent))
        )
    return sent[1:]


def _random_event(random: Random, user: str, at: float, number: int) -> bytes:
    context: JsonObject = {"device": {"type": random.choice(["mobile", "desktop"])}}
    if random.random() < 0.1:
        purpose = random.choice(["analytics", "personalisation", "marketing"])
        context["consent"] = {"categoryPreferences": {purpose: random.random() < 0.7}}
    if random.random() < 0.01:
        context["userAgent"] = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    fields: JsonObject = {"context": context}
    if random.random() < 0.9:
        fields["messageId"] = f"m{number}"
    item = f"item-{random.randrange(12)}"
    match random.choices(
        ["page", "screen", "track", "order", "identify", "session", "label", "course"],
        [8, 1, 4, 1, 1, 2, 1, 0.5],
    )[0]:
        case "page":
            return page(user, at, item if random.random() < 0.8 else None, **fields)
        case "screen":
            return event("screen", user, at, name="home", **fields)
        case "track":
            return track(user, at, "Product Clicked", {"product_id": item}, **fields)
        case "order":
            return track(user, at, "Order Completed", {"revenue": round(random.uniform(1, 99), 2)}, **fields)
        case "identify":
            return event(
                "identify",
                user,
                at,
                traits={"age": random.randrange(18, 80), "control_group": f"group-{number % 3}"},
                **fields,
            )
        case "session":
            return session(user, at, round(random.uniform(0, 4_000), 1), random.randrange(20))
        case "label":
            return label(user, at, random.choice([1, 2, 3]), **fields)
        case _:
            digest = blake2b(item.encode(), digest_size=2).digest()
            about = {"itemId": item, "features": {"length": digest[0], "kind": f"kind-{digest[1] % 3}"}}
            properties = {"target": "engagement_score", "value": random.uniform(0, 100), **about}
            return event("label", user, at, properties=properties, **fields)
