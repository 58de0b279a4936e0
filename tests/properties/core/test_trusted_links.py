"""Who is joined to whom, and who says so: one case for each kind of claim."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from properties.core.test_identity import World

from stream_app.features.user_row import UserRow
from stream_app.intake.trust import mark
from stream_app.schemas.topics import PRIVACY_REQUESTS
from stream_app.testing import event, page

PAGE_KEY, TRUSTED = False, True


def tell(world: World, key: str, value: bytes, is_trusted: bool = TRUSTED) -> None:
    """An event that the collector took with a server's key or a page's."""
    world.send(key, orjson.dumps(mark(orjson.loads(value), is_trusted)))
    world.run()


def posthog(name: str, distinct_id: str, at: int, **properties: Any) -> bytes:
    fields = {"event": name, "distinct_id": distinct_id, "uuid": f"{name}-{at}"}
    return orjson.dumps({**fields, "timestamp": f"2024-03-04T08:00:{at:02}Z", "properties": properties})


def known(world: World, user: str, at: int = 0) -> None:
    tell(world, user, page(user, at, f"of-{user}", messageId=f"{user}-{at}"))


def erase(world: World, user: str) -> None:
    request = {"request_id": "r", "user_id": user, "requested_at": "2024-03-04T09:00:00Z"}
    world.send(user, orjson.dumps(request), PRIVACY_REQUESTS.name)
    world.run()


def rows(world: World) -> dict[str, UserRow]:
    return {key: row for held in world.rows for key, row in held.items()}


@pytest.mark.parametrize("is_trusted", [PAGE_KEY, TRUSTED])
def test_an_identify_with_the_id_of_somebody_known_joins_nobody(is_trusted: bool) -> None:
    world = World(3)
    known(world, "ann")
    said = posthog("$identify", "bob", 5, **{"$anon_distinct_id": "ann"})
    tell(world, "bob", said, is_trusted)
    known(world, "ann", 9)
    assert not world.user("ann").merged_into
    assert world.user("ann").kinds["page"].count == 2
    assert "page" not in world.user("bob").kinds


@pytest.mark.parametrize(("is_trusted", "pages"), [(PAGE_KEY, [1, 1]), (TRUSTED, [0, 2])])
def test_only_a_trusted_alias_joins_two_who_are_known(is_trusted: bool, pages: list[int]) -> None:
    world = World(3)
    known(world, "ann")
    known(world, "bob")
    tell(world, "bob", event("alias", "bob", 5, previousId="ann", messageId="a"), is_trusted)
    counts = [world.user(user).kinds.get("page") for user in ("ann", "bob")]
    assert [count.count if count else 0 for count in counts] == pages


def test_an_alias_that_was_refused_to_a_page_is_granted_to_a_server() -> None:
    world = World(3)
    known(world, "ann")
    known(world, "bob")
    for number, is_trusted in enumerate((PAGE_KEY, TRUSTED)):
        alias = event("alias", "bob", 5 + number, previousId="ann", messageId=f"a{number}")
        tell(world, "bob", alias, is_trusted)
    assert world.user("ann").merged_into == "bob"


@pytest.mark.parametrize("is_trusted", [PAGE_KEY, TRUSTED])
def test_the_direction_of_an_alias_follows_who_is_known(is_trusted: bool) -> None:
    """As posthog-python's `alias(previous_id="anon", distinct_id="user")` arrives."""
    world = World(3)
    seen = posthog("Product Viewed", "anon", 1, **{"$process_person_profile": False})
    tell(world, "anon", seen)
    tell(world, "user", posthog("$set", "user", 2, **{"$set": {"plan": "plus"}}))
    tell(world, "anon", posthog("$create_alias", "anon", 3, alias="user"), is_trusted)
    tell(world, "user", posthog("Order Completed", "user", 4, **{"$is_identified": True}))
    assert world.user("anon").merged_into == "user"
    assert not world.user("user").merged_into
    assert world.user("user").kinds["track"].count == 2
    assert world.user("user").traits == {"plan": "plus"}


@pytest.mark.parametrize("backwards", [False, True])
def test_a_chain_of_aliases_of_any_length_is_one_user(backwards: bool) -> None:
    world = World(4)
    names = [f"id-{number:02}" for number in range(13)]
    for at, name in enumerate(names):
        tell(world, name, event("page", "", at, anonymousId=name, messageId=f"before-{name}"))
    links = list(enumerate(pairwise(names)))
    for number, (old, new) in reversed(links) if backwards else links:
        tell(world, new, event("alias", new, 20 + number, previousId=old, messageId=f"alias-{old}"))
    for at, name in enumerate(names):
        tell(world, name, event("page", "", 60 + at, anonymousId=name, messageId=f"after-{name}"))
    held = {name: row.kinds["page"].count for name, row in rows(world).items() if "page" in row.kinds}
    assert held == {names[-1]: 2 * len(names)}


def test_links_that_arrive_in_any_order_make_no_circle_of_a_chain() -> None:
    world = World(4)
    names = [f"id-{number:02}" for number in range(13)]
    for at, name in enumerate(names):
        world.send(name, event("page", "", at, anonymousId=name, messageId=f"before-{name}"))
    for number, (old, new) in enumerate(pairwise(names)):
        world.send(new, event("alias", new, 20 + number, previousId=old, messageId=f"alias-{old}"))
    world.run()
    held = {name: row.kinds["page"].count for name, row in rows(world).items() if "page" in row.kinds}
    assert list(held.values()) == [len(names)]


def test_a_device_that_somebody_has_is_not_erased_with_who_claimed_it_after() -> None:
    world = World(3)
    tell(world, "dev", event("page", "", 0, anonymousId="dev", messageId="1"))
    for at, user in ((1, "anna"), (2, "bert")):
        tell(world, user, event("identify", user, at, anonymousId="dev", messageId=user))
    before = {key: rows(world)[key] for key in ("anna", "dev")}
    erase(world, "bert")
    assert rows(world) == before
    erase(world, "anna")
    assert rows(world) == {}


def test_who_is_known_later_by_a_visitors_id_has_it_back() -> None:
    world = World(3)
    tell(world, "dev", event("page", "", 0, anonymousId="dev", messageId="1"))
    tell(world, "anna", event("identify", "anna", 1, anonymousId="dev", messageId="2"))
    known(world, "dev", 5)
    known(world, "dev", 6)
    assert not world.user("dev").merged_into
    assert (world.user("dev").kinds["page"].count, world.user("anna").kinds["page"].count) == (2, 1)
    erase(world, "anna")
    assert world.user("dev").kinds["page"].count == 2
