"""Every output of a run has an id of its own, identities that are joined late included."""

from collections import Counter
from random import Random

import pytest

from stream_app.schemas.outputs import Outlook
from stream_app.settings.rules import DAY
from stream_app.testing import Driver, event, page, script_models, track


def lives(random: Random, days: int) -> list[bytes]:
    """People who share devices and are identified late, in order of arrival."""
    events: list[tuple[float, bytes]] = []
    for number in range(days * 14):
        at = round(random.uniform(0, days * DAY), 3)
        user, device = f"user-{random.randrange(4)}", f"device-{random.randrange(6)}"
        who, at_device = random.choice(
            [(user, {}), ("", {"anonymousId": device}), ("", {"anonymousId": device})]
        )
        item, message = f"item-{random.randrange(9)}", {"messageId": f"m{number}", **at_device}
        match random.choices(["page", "order", "identify", "alias"], [10, 2, 2, 1])[0]:
            case "page":
                value = page(who, at, item, **message)
            case "order":
                value = track(who, at, "Order Completed", {"revenue": 5, "product_id": item}, **message)
            case "identify":
                value = event("identify", user, at, **{**message, "anonymousId": device})
            case _:
                value = event("alias", user, at, previousId=device, messageId=f"m{number}")
        arrives_at = at + random.choice([0, 0, 0, random.uniform(0, 3_000)])
        events.append((arrives_at, value))
    return [value for _, value in sorted(events)]


@pytest.mark.parametrize("seed", range(6))
def test_ids_are_unique(seed: int) -> None:
    random = Random(seed)
    driver = Driver(partitions=random.choice([1, 3]))
    for value in lives(random, days=40):
        driver.pipe(value)
    driver.advance_event_time(80 * DAY)
    counts = Counter(output.id for output in driver.outputs)
    assert len(driver.outputs) > 300
    assert [output for output in driver.outputs if counts[output.id] > 1] == []


def test_sessions_that_one_message_brings_lead_to_an_outlook_each() -> None:
    driver = Driver(models=script_models(chances={"churn": lambda _: 0.2}))
    visits = [page("", at, anonymousId="device", context={"sessionId": f"visit-{at}"}) for at in range(3)]
    driver.pipe(*visits, event("identify", "u", 5, anonymousId="device"))
    driver.advance_event_time(DAY)
    outlooks = driver.of(Outlook, "u")
    assert len({outlook.id for outlook in outlooks}) == len(outlooks) == len(visits)
