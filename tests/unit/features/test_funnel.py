from random import Random

import pytest

from stream_app.features.funnel import MAX_CART_ITEMS, STAGE_OF, Funnel, Stage, note_step

Step = tuple[str, str | None]


def funnel_of(*steps: Step) -> Funnel:
    funnel = Funnel()
    for at, (name, item) in enumerate(steps, 1):
        note_step(funnel, name, item, float(at))
    return funnel


@pytest.mark.parametrize(
    ("steps", "stage", "cart"),
    [
        ([], Stage.NONE, []),
        ([("Signed Up", "a")], Stage.NONE, []),
        ([("Product Viewed", "a")], Stage.VIEWED, []),
        ([("Product Viewed", "a"), ("Product Added", "a")], Stage.CART, ["a"]),
        ([("Product Added", "a"), ("Product Viewed", "b")], Stage.CART, ["a"]),
        ([("Product Added", "a"), ("Product Added", "a"), ("Product Added", "b")], Stage.CART, ["a", "b"]),
        ([("Product Added", None)], Stage.CART, []),
        ([("Product Added", "a"), ("Product Removed", "a")], Stage.VIEWED, []),
        ([("Product Added", "a"), ("Product Added", "b"), ("Product Removed", "a")], Stage.CART, ["b"]),
        ([("Product Added", "a"), ("Product Removed", "b")], Stage.CART, ["a"]),
        ([("Product Added", "a"), ("Checkout Started", None)], Stage.CHECKOUT, ["a"]),
        ([("Checkout Started", None), ("Payment Info Entered", None)], Stage.CHECKOUT, []),
        ([("Checkout Started", None), ("Product Viewed", "a")], Stage.CHECKOUT, []),
        ([("Checkout Started", None), ("Cart Viewed", None)], Stage.CART, []),
        ([("Product Added", "a"), ("Order Completed", None)], Stage.BOUGHT, []),
        ([("Order Completed", None), ("Product Viewed", "a")], Stage.VIEWED, []),
    ],
)
def test_steps_lead_to_their_stage(steps: list[Step], stage: Stage, cart: list[str]) -> None:
    funnel = funnel_of(*steps)
    assert (funnel.stage, funnel.cart) == (stage, cart)


def test_a_step_of_before_the_order_belongs_to_it() -> None:
    funnel = Funnel()
    note_step(funnel, "Order Completed", None, 100.0)
    note_step(funnel, "Product Added", "a", 99.0)
    assert (funnel.stage, funnel.cart, funnel.reached_at) == (Stage.BOUGHT, [], 100.0)
    note_step(funnel, "Product Added", "a", 101.0)
    assert (funnel.stage, funnel.cart, funnel.reached_at) == (Stage.CART, ["a"], 101.0)


def test_looking_on_does_not_make_the_cart_younger() -> None:
    funnel = funnel_of(("Product Added", "a"), ("Product Viewed", "b"))
    assert funnel.reached_at == 1.0


@pytest.mark.parametrize("seed", range(20))
def test_carts_are_bounded_and_hold_what_was_added_and_not_removed(seed: int) -> None:
    random, funnel, held, newest = Random(seed), Funnel(), [], 0.0
    for number in range(200):
        name, item = random.choice([*STAGE_OF, "Product Added", "Product Added"]), f"i{random.randrange(30)}"
        if name == "Order Completed" and random.random() < 0.8:
            continue
        at = float(number)
        note_step(funnel, name, item, at)
        if name == "Order Completed":
            held = []
        elif name == "Product Added" and item not in held:
            held = [*held, item][-MAX_CART_ITEMS:]
        elif name == "Product Removed":
            held = [one for one in held if one != item]
        newest = max(newest, funnel.reached_at)
        assert funnel.cart == held
        assert funnel.reached_at == newest <= at
