package millrace.runtime;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** ARRAY and MAP: offsets into the columns of the elements, or of keys and values. */
final class ListColumn extends Column {
    private final Column[] children;

    ListColumn(String name, ColumnType type, boolean nullable, Column[] children) {
        super(name, type, nullable);
        this.children = children;
    }

    @Override
    Column[] children() {
        return children;
    }

    @Override
    void startData() {
        for (Column child : children) {
            child.start(16);
        }
    }

    @Override
    void growData(int rows) {
        boolean first = data == 0;
        data = grown(data, (capacity + 1) << 2, (rows + 1) << 2);
        if (first) {
            Memory.writeInt(data, 0);
        }
    }

    @Override
    void writeData(int record, int rows) {
        writeList(record, 10, data, rows + 1);
    }

    @Override
    int childRows(int rows) {
        return offset(rows);
    }

    private int offset(int row) {
        return Memory.readInt(data + (row << 2));
    }

    private void end(int row, int offset) {
        Memory.writeInt(data + (row << 2) + 4, offset);
    }

    private void reserve(int rows) {
        for (Column child : children) {
            if (rows > child.capacity) {
                child.grow(Math.max(rows, child.capacity * 2));
            }
        }
    }

    @Override
    Object object(int row) {
        return type.code == ColumnType.ARRAY ? list(row) : map(row);
    }

    private List<Object> list(int row) {
        int end = offset(row + 1);
        List<Object> list = new ArrayList<>(end - offset(row));
        for (int i = offset(row); i < end; i++) {
            list.add(children[0].get(i));
        }
        return list;
    }

    private Map<Object, Object> map(int row) {
        Map<Object, Object> map = new LinkedHashMap<>();
        for (int i = offset(row); i < offset(row + 1); i++) {
            map.put(children[0].get(i), children[1].get(i));
        }
        return map;
    }

    @Override
    List<?> getList(int row) {
        if (type.code != ColumnType.ARRAY) {
            throw mismatch("an array");
        }
        return isNull(row) ? null : list(row);
    }

    @Override
    Map<?, ?> getMap(int row) {
        if (type.code != ColumnType.MAP) {
            throw mismatch("a map");
        }
        return isNull(row) ? null : map(row);
    }

    @Override
    void setNullData(int row) {
        end(row, offset(row));
    }

    private static void setChild(Column child, int row, Object value) {
        if (value == null) {
            child.setNull(row);
        } else {
            child.set(row, value);
        }
    }

    @Override
    void set(int row, Object value) {
        int at = offset(row);
        if (type.code == ColumnType.ARRAY && value instanceof List) {
            List<?> list = (List<?>) value;
            reserve(at + list.size());
            for (int i = 0; i < list.size(); i++) {
                setChild(children[0], at++, list.get(i));
            }
        } else if (type.code == ColumnType.ARRAY && value instanceof Object[]) {
            Object[] array = (Object[]) value;
            reserve(at + array.length);
            for (Object element : array) {
                setChild(children[0], at++, element);
            }
        } else if (type.code == ColumnType.MAP && value instanceof Map) {
            Map<?, ?> map = (Map<?, ?>) value;
            reserve(at + map.size());
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                setChild(children[0], at, entry.getKey());
                setChild(children[1], at++, entry.getValue());
            }
        } else {
            throw unfit(value);
        }
        end(row, at);
        setPresent(row);
    }

    @Override
    void copyData(int row, Column column, int fromRow) {
        ListColumn from = (ListColumn) column;
        int start = from.offset(fromRow);
        int length = from.offset(fromRow + 1) - start;
        int to = offset(row);
        reserve(to + length);
        for (int c = 0; c < children.length; c++) {
            for (int i = 0; i < length; i++) {
                children[c].copy(to + i, from.children[c], start + i);
            }
        }
        end(row, to + length);
    }
}
