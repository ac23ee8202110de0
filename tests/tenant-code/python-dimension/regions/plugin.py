from millrace import dimension

schema = {"id": "BIGINT NOT NULL", "title": "STRING", "tax": "DOUBLE"}


def process(row):
    region = dimension("regions").get(row.region)
    if region is None:
        raise ValueError(f"region `{row.region}` is unknown")
    return {"id": row.id, "title": region.title, "tax": region.tax}
