from posthog import Posthog

posthog = Posthog("YOUR-KEY", host="https://collect.example")

page = {"$current_url": "https://shop.example/p/sku-1", "$process_person_profile": False}
posthog.capture("$pageview", distinct_id="anon-17", properties=page)
product = {"product_id": "sku-1", "price": 79.9, "$process_person_profile": False}
posthog.capture("Product Viewed", distinct_id="anon-17", properties=product)
posthog.set(distinct_id="u-17", properties={"email": "pat@example.org", "plan": "plus", "age": 34})
posthog.alias(previous_id="anon-17", distinct_id="u-17")
posthog.capture("Product Added", distinct_id="u-17", properties={"product_id": "sku-1", "quantity": 2})
products = [
    {"product_id": "sku-1", "price": 79.4, "quantity": 2},
    {"product_id": "sku-2", "price": 1, "quantity": 1},
]
order = {"order_id": "o-1", "revenue": 159.8, "currency": "EUR", "products": products}
posthog.capture("Order Completed", distinct_id="u-17", properties=order)
posthog.shutdown()
