# What goes wrong in one row rejects that row, with what it had answered before; the others go through.
import datetime
import json
from decimal import Decimal

schema = "id BIGINT NOT NULL, n INT, d DECIMAL(5, 2), a ARRAY<INT NOT NULL>, t TIMESTAMP(3)"


def process(row):
    match row.id:
        case 1:
            return {"id": 1}
        case 2:
            raise ValueError("no good")
        case 3:
            return nothing.here
        case 4:
            return [{"id": 4}, {"id": None}]
        case 5:
            return {"id": 1.5}
        case 6:
            return {"id": 6, "n": 2**31}
        case 7:
            return {"id": 7, "d": "12345.678"}
        case 8:
            return {"id": 8, "a": [1, 2, None]}
        case 9:
            return {"id": 2**63}
        case 10:
            return 5
        case 11:
            return {"id": 11, "t": datetime.datetime.now()}
        case 12:
            return {"id": row["missing"]}
        case 13:
            return row.missing
        case 14:
            return {"id": 14, "a": [1]}
        case 15:
            return {"id": 15, "d": Decimal("1.005") * 3}
        case 16:
            return json.loads("{")
        case 17:
            return {"id": 17, "n": "5"}
        case 18:
            return [row, "text"]
        case 19:
            return {"id": True}
        case 20:
            assert row.id != 20, "an assertion"
        case 21:
            return {"id": 21, "t": "2026-01-02T03:04:05.678"}
        case 22:
            return {"id": len("\ud800".encode())}
