package millrace.runtime;

/** Schemas of `types.wit` in and out: fields depth first, parents before their children. */
final class Schemas {
    /** Bytes of the record `field`. */
    private static final int FIELD_BYTES = 16;

    private Schemas() {}

    /** The top-level columns of a schema whose fields lie at an address. */
    static Column[] read(int fields, int count) {
        return new Reader(fields).columns(fields + count * FIELD_BYTES);
    }

    /** Reads on and on. */
    private static final class Reader {
        private int at;

        Reader(int at) {
            this.at = at;
        }

        Column[] columns(int end) {
            Column[] columns = new Column[(end - at) / FIELD_BYTES];
            int count = 0;
            while (at < end) {
                columns[count++] = column();
            }
            Column[] exact = new Column[count];
            System.arraycopy(columns, 0, exact, 0, count);
            return exact;
        }

        private Column column() {
            int field = at;
            at += FIELD_BYTES;
            ColumnType type = new ColumnType(Memory.readByte(field + 8), Memory.readByte(field + 9), Memory.readByte(field + 10));
            Column[] children = new Column[Memory.readInt(field + 12)];
            for (int i = 0; i < children.length; i++) {
                children[i] = column();
            }
            return make(Memory.stringAt(field), type, Memory.readByte(field + 11) != 0, children);
        }
    }

    /** A column of a type. */
    static Column make(String name, ColumnType type, boolean nullable, Column[] children) {
        switch (type.code) {
            case ColumnType.BOOLEAN:
                return new BooleanColumn(name, type, nullable);
            case ColumnType.TINYINT:
            case ColumnType.SMALLINT:
            case ColumnType.INT:
                return new IntegerColumn(name, type, nullable);
            case ColumnType.BIGINT:
                return new BigintColumn(name, type, nullable);
            case ColumnType.FLOAT:
                return new FloatColumn(name, type, nullable);
            case ColumnType.DOUBLE:
                return new DoubleColumn(name, type, nullable);
            case ColumnType.DECIMAL:
                return new DecimalColumn(name, type, nullable);
            case ColumnType.UTF8:
            case ColumnType.BYTES:
                return new TextColumn(name, type, nullable);
            case ColumnType.ARRAY:
            case ColumnType.MAP:
                return new ListColumn(name, type, nullable, children);
            case ColumnType.ROW:
                return new RowColumn(name, type, nullable, children);
            default:
                return new TimeColumn(name, type, nullable);
        }
    }

    /** Columns of the same names and types, to be written. */
    static Column[] copy(Column[] columns) {
        Column[] copies = new Column[columns.length];
        for (int i = 0; i < copies.length; i++) {
            Column column = columns[i];
            copies[i] = make(column.name, column.type, column.nullable, copy(column.children()));
        }
        return copies;
    }

    static int count(Column[] columns) {
        int count = columns.length;
        for (Column column : columns) {
            count += count(column.children());
        }
        return count;
    }

    /** Writes the record `schema`: address and length of the fields. */
    static void write(Column[] columns, int record) {
        int count = count(columns);
        int fields = Memory.allocate(4, count * FIELD_BYTES);
        writeFields(columns, fields);
        Memory.writeInt(record, fields);
        Memory.writeInt(record + 4, count);
    }

    private static int writeFields(Column[] columns, int at) {
        for (Column column : columns) {
            Memory.text(column.name).writeTo(at);
            Memory.writeByte(at + 8, column.type.code);
            Memory.writeByte(at + 9, column.type.precision);
            Memory.writeByte(at + 10, column.type.scale);
            Memory.writeByte(at + 11, column.nullable ? 1 : 0);
            Memory.writeInt(at + 12, column.children().length);
            at = writeFields(column.children(), at + FIELD_BYTES);
        }
        return at;
    }

    /** Binds columns and their children to the records `column` at an address; answers the address behind them. */
    static int bind(Column[] columns, int record) {
        for (Column column : columns) {
            column.bind(record);
            record = bind(column.children(), record + Column.RECORD_BYTES);
        }
        return record;
    }
}
