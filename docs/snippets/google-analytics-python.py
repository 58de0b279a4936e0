from ga4mp import GtagMP

ga = GtagMP(api_secret="YOUR-KEY", measurement_id="G-SHOP", client_id="anon-17")
ga._base_domain = "https://collect.example/mp/collect"

shoe = {"item_id": "sku-1", "item_name": "Shoe", "price": 79.4, "quantity": 2}
lace = {"item_id": "sku-2", "item_name": "Lace", "price": 1, "quantity": 1}
order = {"transaction_id": "o-1", "value": 159.8, "currency": "EUR", "items": [shoe, lace]}
page = {"page_location": "https://shop.example/p/sku-1", "page_title": "Shoe"}
for name, params in {
    "page_view": page,
    "view_item": {"currency": "EUR", "value": 79.9, "items": [{"item_id": "sku-1", "price": 79.9}]},
    "add_to_cart": {"currency": "EUR", "value": 158.8, "items": [shoe]},
    "purchase": order,
}.items():
    event = ga.create_new_event(name)
    for param, value in params.items():
        event["params"] = {**event.get("params", {}), param: value}
    ga.send([event])
