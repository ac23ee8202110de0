# A row, several, none; untouched, changed, copied; a generator.
schema = "id BIGINT NOT NULL, name STRING"


def several():
    yield {"id": 80}
    yield {"id": 81}


def process(row):
    match row.id:
        case 1:
            return row
        case 2:
            return [{"id": 20, "name": row.name}, {"id": 21}]
        case 3:
            return None
        case 4:
            return False
        case 5:
            row.name = row.name.upper()
            return row
        case 6:
            return {**row, "name": ",".join(row)}
        case 7:
            return several()
        case 8:
            del row["name"]
            return (row, row)
        case 9:
            return []
