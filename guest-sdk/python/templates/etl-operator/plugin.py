"""Keeps orders above a limit and adds a fee.

`millrace plugin test .` runs it on the rows of rows.jsonl.
"""

from millrace import count, log, params

# Columns of the answer. Without it they are those of the input.
schema = {
    "id": "BIGINT NOT NULL",
    "item": "STRING",
    "amount": "DOUBLE NOT NULL",
}

amount_min = params.float("amount_min", 100.0)


def open(columns):
    """Called once before any row."""
    log.debug("opened with the columns", ", ".join(columns))


def process(order):
    """Called for every row: answers a row, several, or None. An exception rejects the row."""
    amount = order["amount"]
    if amount is None or 0 <= amount < amount_min:
        count("orders_dropped")
        return None
    if amount < 0:
        raise ValueError(f"order {order['id']} has the negative amount {amount}")
    return {"id": order["id"], "item": order["item"], "amount": amount * 1.1}
