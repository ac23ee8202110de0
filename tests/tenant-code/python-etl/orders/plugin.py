"""Orders of at least 50, twice as dear, with the name in capitals."""

schema = {"id": "BIGINT NOT NULL", "usr": "STRING", "amount": "DOUBLE"}


def process(order):
    amount = order["amount"]
    if amount is None:
        return None
    if amount < 0:
        raise ValueError(f"order {order['id']} has the negative amount {amount}")
    if amount < 50:
        return None
    return {"id": order["id"], "usr": order["usr"].upper(), "amount": amount * 2}
