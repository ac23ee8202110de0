schema = {"id": "BIGINT", "tags": "ARRAY<STRNG>"}


def process(row):
    return row
