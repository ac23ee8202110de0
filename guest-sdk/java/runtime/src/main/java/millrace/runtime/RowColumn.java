package millrace.runtime;

import millrace.api.Row;

/** ROW: its fields are columns of their own. */
final class RowColumn extends Column {
    private final Column[] children;
    private final Names names;

    RowColumn(String name, ColumnType type, boolean nullable, Column[] children) {
        super(name, type, nullable);
        this.children = children;
        this.names = new Names(children);
    }

    @Override
    Column[] children() {
        return children;
    }

    @Override
    void bindData(int record) {}

    @Override
    void startData() {
        for (Column child : children) {
            child.start(16);
        }
    }

    @Override
    void growData(int rows) {
        for (Column child : children) {
            if (rows > child.capacity) {
                child.grow(rows);
            }
        }
    }

    @Override
    void writeData(int record, int rows) {
        Memory.writeByte(record, 11);
    }

    @Override
    Object object(int row) {
        return getRow(row);
    }

    @Override
    Row getRow(int row) {
        if (isNull(row)) {
            return null;
        }
        InputRow nested = new InputRow(children, names);
        nested.row = row;
        return nested;
    }

    @Override
    void setNullData(int row) {
        for (Column child : children) {
            child.setNullData(row);
        }
    }

    private void setChild(Column child, int row, Object value) {
        if (value == null) {
            child.setNull(row);
        } else {
            child.set(row, value);
        }
    }

    @Override
    void set(int row, Object value) {
        if (value instanceof Row) {
            Row fields = (Row) value;
            for (Column child : children) {
                setChild(child, row, fields.get(child.name));
            }
        } else if (value instanceof org.apache.flink.types.Row) {
            org.apache.flink.types.Row fields = (org.apache.flink.types.Row) value;
            boolean named = fields.getFieldNames(false) != null;
            if (!named && fields.getArity() != children.length) {
                throw unfit("a row of " + fields.getArity() + " fields");
            }
            for (int i = 0; i < children.length; i++) {
                setChild(children[i], row, named ? fields.getField(children[i].name) : fields.getField(i));
            }
        } else {
            throw unfit(value);
        }
        setPresent(row);
    }

    @Override
    void copyData(int row, Column column, int fromRow) {
        Column[] from = ((RowColumn) column).children;
        for (int i = 0; i < children.length; i++) {
            children[i].copy(row, from[i], fromRow);
        }
    }
}
