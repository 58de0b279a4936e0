from mixpanel import Consumer, Mixpanel

consumer = Consumer(
    events_url="https://collect.example/track",
    people_url="https://collect.example/engage",
    import_url="https://collect.example/import",
)
client = Mixpanel("YOUR-KEY", consumer)

before = {"$device_id": "anon-17"}
known = {"$device_id": "anon-17", "$user_id": "u-17"}
page = {"$current_url": "https://shop.example/p/sku-1", "current_page_title": "Shoe"}
client.track("$device:anon-17", "$mp_web_page_view", {**before, **page})
client.track("$device:anon-17", "Product Viewed", {**before, "product_id": "sku-1", "price": 79.9})
client.people_set("u-17", {"$email": "pat@example.org", "plan": "plus", "age": 34})
client.track("u-17", "Product Added", {**known, "product_id": "sku-1", "quantity": 2})
lines = [
    {"product_id": "sku-1", "price": 79.4, "quantity": 2},
    {"product_id": "sku-2", "price": 1, "quantity": 1},
]
order = {"order_id": "o-1", "revenue": 159.8, "currency": "EUR", "products": lines}
client.track("u-17", "Order Completed", {**known, **order})
