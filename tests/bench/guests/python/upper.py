"""Rows of at least 50 with the name in upper case."""

from millrace import params

schema = {"id": "BIGINT NOT NULL", "name": "STRING NOT NULL", "amount": "DOUBLE NOT NULL"}

factor = params.float("factor", 1.1)


def process(row):
    if row["amount"] >= 50:
        return {"id": row["id"], "name": row["name"].upper(), "amount": row["amount"] * factor}
    return None
