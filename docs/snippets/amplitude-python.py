from amplitude import Amplitude, BaseEvent, EventOptions, Identify

client = Amplitude("YOUR-KEY")
client.configuration.server_url = "https://collect.example/2/httpapi"

before, known = {"device_id": "anon-17"}, {"user_id": "u-17", "device_id": "anon-17"}
page = {"[Amplitude] Page URL": "https://shop.example/p/sku-1", "[Amplitude] Page Title": "Shoe"}
client.track(BaseEvent("[Amplitude] Page Viewed", **before, event_properties=page))
client.track(BaseEvent("Product Viewed", **before, event_properties={"product_id": "sku-1", "price": 79.9}))
traits = Identify()
for name, value in {"email": "pat@example.org", "plan": "plus", "age": 34}.items():
    traits.set(name, value)
client.identify(traits, EventOptions(**known))
client.track(BaseEvent("Product Added", **known, event_properties={"product_id": "sku-1", "quantity": 2}))
lines = [
    {"product_id": "sku-1", "price": 79.4, "quantity": 2},
    {"product_id": "sku-2", "price": 1, "quantity": 1},
]
order = {"order_id": "o-1", "revenue": 159.8, "currency": "EUR", "products": lines}
client.track(BaseEvent("Order Completed", **known, event_properties=order))
client.shutdown()
