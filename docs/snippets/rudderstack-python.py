from rudderstack import analytics

analytics.write_key = "YOUR-KEY"
analytics.dataPlaneUrl = "https://collect.example"

page = {"url": "https://shop.example/p/sku-1", "title": "Shoe"}
analytics.page(anonymous_id="anon-17", properties=page)
analytics.track(
    anonymous_id="anon-17", event="Product Viewed", properties={"product_id": "sku-1", "price": 79.9}
)
traits = {"email": "pat@example.org", "plan": "plus", "age": 34}
analytics.identify("u-17", traits, anonymous_id="anon-17")
analytics.track("u-17", "Product Added", {"product_id": "sku-1", "quantity": 2})
products = [
    {"product_id": "sku-1", "price": 79.4, "quantity": 2},
    {"product_id": "sku-2", "price": 1, "quantity": 1},
]
order = {"order_id": "o-1", "revenue": 159.8, "currency": "EUR", "products": products}
analytics.track("u-17", "Order Completed", order)
analytics.shutdown()
