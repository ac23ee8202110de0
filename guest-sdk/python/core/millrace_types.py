"""SQL types: their text, and how whole columns become Python values and the other way round.

Invariant: a column is converted at once, in as few Python calls as there are; only when a value does not fit is it looked
at one by one, so that the row which holds it can be named.
"""

import datetime
import decimal
import re
from itertools import accumulate, chain, pairwise

from wit_world.imports import types as wit

TYPES = ["BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL", "STRING", "BYTES", "DATE", "TIME"]
TYPES += ["TIMESTAMP", "TIMESTAMP_LTZ", "ARRAY", "MAP", "ROW"]
ALIASES = {"INTEGER": "INT", "NUMERIC": "DECIMAL", "DEC": "DECIMAL", "VARCHAR": "STRING", "CHAR": "STRING", "TEXT": "STRING"}
ALIASES |= {"VARBINARY": "BYTES", "BINARY": "BYTES", "REAL": "FLOAT"}
WIT = [wit.DataType_Boolean, wit.DataType_Tinyint, wit.DataType_Smallint, wit.DataType_Int, wit.DataType_Bigint, wit.DataType_Float]
WIT += [wit.DataType_Double, wit.DataType_Decimal, wit.DataType_Utf8, wit.DataType_Bytes, wit.DataType_Date, wit.DataType_Time]
WIT += [wit.DataType_Timestamp, wit.DataType_TimestampLtz, wit.DataType_Array, wit.DataType_Map, wit.DataType_Row]
NAMES = {of: name for of, name in zip(WIT, TYPES)}
NoneType = type(None)
INTEGERS = {"TINYINT": 7, "SMALLINT": 15, "INT": 31, "BIGINT": 63}
WIDE = decimal.Context(prec=80, rounding=decimal.ROUND_HALF_UP)
EPOCH = datetime.datetime(1970, 1, 1)
EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
DAY_ZERO = datetime.date(1970, 1, 1).toordinal()
MICROSECOND = datetime.timedelta(microseconds=1)


class Row(dict):
    """A row: `row["id"]` or `row.id`."""

    __slots__ = ()

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the row has no column `{name}`") from None

    def __setattr__(self, name, value):
        self[name] = value


class Column:
    """A column's name and type, with its children."""

    def __init__(self, name, kind, precision=0, scale=0, nullable=True):
        self.name, self.kind, self.precision, self.scale, self.nullable = name, kind, precision, scale, nullable
        self.children = []

    # ---- schemas ----

    def text(self):
        children = [f"`{c.name}` {c.text()}" if self.kind == "ROW" else c.text() for c in self.children]
        text = self.kind
        if children:
            text += f"<{', '.join(children)}>"
        elif text == "DECIMAL":
            text += f"({self.precision}, {self.scale})"
        elif text.startswith("TIME"):
            text += f"({self.precision})"
        return text if self.nullable else text + " NOT NULL"

    def to_wit(self, into):
        of = WIT[TYPES.index(self.kind)]
        if self.kind == "DECIMAL":
            data_type = of(wit.DecimalType(self.precision, self.scale))
        elif self.kind.startswith("TIME"):
            data_type = of(self.precision)
        else:
            data_type = of()
        into.append(wit.Field(self.name, data_type, self.nullable, len(self.children)))
        for child in self.children:
            child.to_wit(into)

    # ---- from the batch to Python ----

    def read(self, columns, bad):
        """Takes the column and its children from the iterator; the values as a list. Rows that cannot be read go to `bad`."""
        column = next(columns)
        data, validity = column.data, column.validity
        values = getattr(data, "value", None)
        kind = self.kind
        if kind in ("ARRAY", "MAP", "ROW"):
            # What is wrong within nested values is wrong for all rows: there is no telling which one holds it.
            children = [child.read(columns, bad) for child in self.children]
            if kind == "ARRAY":
                items = children[0]
                result = [items[a:b] for a, b in pairwise(values)]
            elif kind == "MAP":
                keys, items = children
                result = [dict(zip(keys[a:b], items[a:b])) for a, b in pairwise(values)]
            else:
                names = [child.name for child in self.children]
                result = [Row(zip(names, row)) for row in zip(*children)]
        elif kind == "BIGINT" or kind == "INT" or kind == "SMALLINT" or kind == "DOUBLE" or kind == "FLOAT":
            result = values
        elif kind == "STRING":
            text = values.data
            if text.isascii():
                text = text.decode("ascii")
                result = [text[a:b] for a, b in pairwise(values.offsets)]
            else:
                result = [text[a:b].decode() for a, b in pairwise(values.offsets)]
        elif kind == "BYTES":
            result = [values.data[a:b] for a, b in pairwise(values.offsets)]
        elif kind == "BOOLEAN":
            result = bits(values)
        elif kind == "TINYINT":
            result = [value - 256 if value > 127 else value for value in values]
        else:
            result = self.read_special(values, validity, bad)
        if validity is not None:
            result = [value if valid else None for value, valid in zip(result, bits(validity))]
        return result

    def read_special(self, values, validity, bad):
        kind, precision = self.kind, self.precision
        if kind == "DECIMAL":
            scale = -self.scale
            high = values[1::2]
            units = [low | (top << 64) if top < 1 << 63 else (low | (top << 64)) - (1 << 128) for low, top in zip(values[::2], high)]
            return [decimal.Decimal(value).scaleb(scale, WIDE) for value in units]
        if kind == "DATE":
            return converted(lambda days: datetime.date.fromordinal(days + DAY_ZERO), values, validity, bad, self)
        if kind == "TIME":
            return [time_of(value * 1000 if precision <= 3 else value // 1000) for value in values]
        micros = [value * 1000 for value in values] if precision <= 3 else values if precision <= 6 else [v // 1000 for v in values]
        epoch = EPOCH if kind == "TIMESTAMP" else EPOCH_UTC
        return converted(lambda value: epoch + datetime.timedelta(0, 0, value), micros, validity, bad, self)

    # ---- from Python to the batch ----

    def write(self, values, into):
        """Appends the column and its children; raises when a value does not fit."""
        place = len(into)
        into.append(None)
        types = set(map(type, values))
        validity = None
        if NoneType in types:
            if not self.nullable:
                self.refuse(None)
            validity = packed([value is not None for value in values])
            types.discard(NoneType)
            filler = self.filler()
            values = [filler if value is None else value for value in values]
            types.add(type(filler))
        into[place] = wit.Column(self.data(values, types, into), validity)

    def filler(self):
        kind = self.kind
        if kind in INTEGERS:
            return 0
        fillers = {"BOOLEAN": False, "FLOAT": 0.0, "DOUBLE": 0.0, "DECIMAL": 0, "STRING": "", "BYTES": b"", "DATE": datetime.date(1970, 1, 1)}
        fillers |= {"TIME": datetime.time(), "TIMESTAMP": EPOCH, "TIMESTAMP_LTZ": EPOCH_UTC, "ARRAY": (), "MAP": {}}
        # A row of nulls: its children take them whatever they say, under a null nothing has a meaning.
        return Row((child.name, child.filler()) for child in self.children) if kind == "ROW" else fillers[kind]

    def refuse(self, value):
        found = "no value" if value is None else f"{type(value).__name__} {value!r:.80}"
        kind = f"DECIMAL({self.precision}, {self.scale})" if self.kind == "DECIMAL" else self.kind
        raise TypeError(f"column `{self.name}` expects {kind}, found {found}")

    def only(self, values, types, allowed):
        if not types <= allowed:
            for value in values:
                if type(value) not in allowed:
                    self.refuse(value)

    def data(self, values, types, into):
        kind = self.kind
        if kind in INTEGERS:
            self.only(values, types, {int})
            limit = 1 << INTEGERS[kind]
            if values and not (-limit <= min(values) and max(values) < limit):
                self.refuse(next(value for value in values if not -limit <= value < limit))
            if kind == "TINYINT":
                return wit.ColumnData_I8s(bytes(value & 255 for value in values))
            return {"SMALLINT": wit.ColumnData_I16s, "INT": wit.ColumnData_I32s, "BIGINT": wit.ColumnData_I64s}[kind](values)
        if kind == "DOUBLE" or kind == "FLOAT":
            if types != {float}:
                self.only(values, types, {float, int, decimal.Decimal})
                values = list(map(float, values))
            return wit.ColumnData_F64s(values) if kind == "DOUBLE" else wit.ColumnData_F32s(values)
        if kind == "STRING":
            self.only(values, types, {str})
            encoded = [value.encode() for value in values]
            return wit.ColumnData_Utf8(wit.Utf8Data(list(accumulate(map(len, encoded), initial=0)), b"".join(encoded)))
        if kind == "BYTES":
            self.only(values, types, {bytes, bytearray, memoryview})
            return wit.ColumnData_Bytes(wit.Utf8Data(list(accumulate(map(len, values), initial=0)), b"".join(values)))
        if kind == "BOOLEAN":
            self.only(values, types, {bool})
            return wit.ColumnData_Bools(packed(values))
        if kind == "DECIMAL":
            words = []
            for value in values:
                units = self.units(value) & ((1 << 128) - 1)
                words.append(units & ((1 << 64) - 1))
                words.append(units >> 64)
            return wit.ColumnData_I128s(words)
        if kind == "DATE":
            return wit.ColumnData_I32s([self.day(value) for value in values])
        if kind == "TIME":
            step = 10 ** max(6 - self.precision, 0)
            micros = [self.time(value) // step * step for value in values]
            return wit.ColumnData_I32s([m // 1000 for m in micros]) if self.precision <= 3 else wit.ColumnData_I64s([m * 1000 for m in micros])
        if kind.startswith("TIMESTAMP"):
            step = 10 ** max(6 - self.precision, 0)
            micros = [self.instant(value) // step * step for value in values]
            if self.precision <= 3:
                return wit.ColumnData_I64s([m // 1000 for m in micros])
            return wit.ColumnData_I64s(micros if self.precision <= 6 else [m * 1000 for m in micros])
        if kind == "ARRAY":
            self.only(values, types, {list, tuple})
            self.children[0].write(list(chain.from_iterable(values)), into)
            return wit.ColumnData_Offsets(list(accumulate(map(len, values), initial=0)))
        if kind == "MAP":
            self.only(values, types, {dict, Row})
            self.children[0].write(list(chain.from_iterable(values)), into)
            self.children[1].write(list(chain.from_iterable(value.values() for value in values)), into)
            return wit.ColumnData_Offsets(list(accumulate(map(len, values), initial=0)))
        self.only(values, types, {dict, Row})
        for child in self.children:
            child.write([value.get(child.name) for value in values], into)
        return wit.ColumnData_None_()

    def units(self, value):
        if type(value) not in (decimal.Decimal, int, float, str):
            self.refuse(value)
        try:
            number = value if type(value) is decimal.Decimal else decimal.Decimal(repr(value) if type(value) is float else value)
            units = int(number.scaleb(self.scale, WIDE).to_integral_value(decimal.ROUND_HALF_UP, WIDE))
        except (decimal.InvalidOperation, OverflowError, ValueError):
            self.refuse(value)
        if abs(units) >= 10**self.precision:
            self.refuse(value)
        return units

    def day(self, value):
        if type(value) is str:
            try:
                value = datetime.date.fromisoformat(value)
            except ValueError:
                self.refuse(value)
        if not isinstance(value, datetime.date):
            self.refuse(value)
        return value.toordinal() - DAY_ZERO

    def time(self, value):
        if type(value) is str:
            try:
                value = datetime.time.fromisoformat(value)
            except ValueError:
                self.refuse(value)
        if not isinstance(value, datetime.time):
            self.refuse(value)
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond

    def instant(self, value):
        if type(value) is str:
            try:
                value = datetime.datetime.fromisoformat(value)
            except ValueError:
                self.refuse(value)
        if not isinstance(value, datetime.datetime):
            self.refuse(value)
        return (value - (EPOCH if value.tzinfo is None else EPOCH_UTC)) // MICROSECOND


def converted(convert, values, validity, bad, column):
    """Values that may be out of Python's range: the rows that hold one are rejected, the others go on."""
    try:
        return [convert(value) for value in values]
    except (OverflowError, ValueError):
        pass
    result = []
    valid = [True] * len(values) if validity is None else bits(validity)
    for row, value in enumerate(values):
        try:
            result.append(convert(value))
        except (OverflowError, ValueError):
            result.append(None)
            if valid[row]:
                bad[row] = f"column `{column.name}` holds a {column.kind} that Python cannot hold (years 1 to 9999)"
    return result


def time_of(micros):
    seconds, micro = divmod(micros, 1_000_000)
    return datetime.time(seconds // 3600, seconds // 60 % 60, seconds % 60, micro)


BITS = [tuple(bool(byte >> bit & 1) for bit in range(8)) for byte in range(256)]


def bits(data):
    """One boolean per bit; up to seven more than there are rows, which `zip` leaves out."""
    return list(chain.from_iterable(map(BITS.__getitem__, data)))


def packed(flags):
    result = bytearray((len(flags) + 7) // 8)
    for row, flag in enumerate(flags):
        if flag:
            result[row >> 3] |= 1 << (row & 7)
    return bytes(result)


def columns_of(fields):
    """Top-level columns of the contract's flat fields."""
    fields = iter(fields)

    def column(field):
        data_type = field.data_type
        value = getattr(data_type, "value", 0)
        precision, scale = (value.precision, value.scale) if type(value) is wit.DecimalType else (value, 0)
        made = Column(field.name, NAMES[type(data_type)], precision, scale, field.nullable)
        made.children = [column(next(fields)) for _ in range(field.children)]
        return made

    return [column(field) for field in fields]


def read_columns(columns, batch):
    """The batch as one list per top-level column, and what is wrong with which row."""
    flat, bad = iter(batch.columns), {}
    return [column.read(flat, bad) for column in columns], bad


def write_columns(columns, rows):
    flat = []
    for column in columns:
        name = column.name
        column.write([row.get(name) for row in rows], flat)
    return wit.Batch(len(rows), None, flat)


class _Reader:
    """Reads SQL types."""

    def __init__(self, text):
        self.text, self.at = text, 0
        self.tokens = re.findall(r"`[^`]*`|[A-Za-z_][A-Za-z0-9_$]*|\d+|[<>(),]|\S", text)

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def fail(self, expected):
        raise TypeError(f"cannot read the type `{self.text}`: expected {expected}, found {self.peek() or 'its end'}")

    def word(self, word):
        if self.peek().upper() != word:
            return False
        self.at += 1
        return True

    def need(self, word):
        if not self.word(word):
            self.fail(f"`{word}`")

    def number(self):
        if not self.peek().isdigit():
            self.fail("a number")
        self.at += 1
        return int(self.tokens[self.at - 1])

    def name(self):
        token = self.peek()
        if not token or not (token[0] in "`_" or token[0].isalpha()):
            self.fail("a name")
        self.at += 1
        return token.strip("`")

    def column(self, name):
        kind = ALIASES.get(self.peek().upper(), self.peek().upper())
        if kind not in TYPES:
            self.fail("a type")
        self.at += 1
        column = Column(name, kind)
        if kind == "DECIMAL":
            column.precision = 10
        elif kind.startswith("TIMESTAMP"):
            column.precision = 6
        if kind in ("ARRAY", "MAP", "ROW"):
            end = ")" if kind == "ROW" and self.word("(") else ">"
            if end == ">":
                self.need("<")
            if kind == "ROW":
                column.children.append(self.column(self.name()))
                while self.word(","):
                    column.children.append(self.column(self.name()))
            elif kind == "MAP":
                column.children.append(self.column("key"))
                # A key is never NULL, whatever the type says.
                column.children[0].nullable = False
                self.need(",")
                column.children.append(self.column("value"))
            else:
                column.children.append(self.column("item"))
            self.need(end)
        elif self.word("("):
            precision = self.number()
            if kind == "DECIMAL" or kind.startswith("TIME"):
                column.precision = precision
            if kind == "DECIMAL" and self.word(","):
                column.scale = self.number()
            self.need(")")
        if kind == "TIMESTAMP" and self.word("WITH"):
            if self.word("LOCAL"):
                column.kind = "TIMESTAMP_LTZ"
            self.need("TIME")
            self.need("ZONE")
        elif kind == "TIMESTAMP" and self.word("WITHOUT"):
            self.need("TIME")
            self.need("ZONE")
        if self.word("NOT"):
            self.need("NULL")
            column.nullable = False
        else:
            self.word("NULL")
        return column


def parse_schema(schema):
    """Columns of "id BIGINT NOT NULL, item STRING" or {"id": "BIGINT NOT NULL", "item": "STRING"}."""
    if isinstance(schema, str):
        reader = _Reader(schema)
        columns = [reader.column(reader.name())]
        while reader.word(","):
            columns.append(reader.column(reader.name()))
        readers = [reader]
    else:
        readers = [_Reader(str(text)) for text in schema.values()]
        columns = [reader.column(name) for name, reader in zip(schema, readers)]
    for reader in readers:
        if reader.peek():
            reader.fail("the end")
    return columns
