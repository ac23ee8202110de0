package org.apache.flink.types;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** A row whose fields are addressed by position or by name; one row has one of the two ways. */
public final class Row implements Serializable {
    private static final long serialVersionUID = 1L;

    private RowKind kind;
    private final Object[] byPosition;
    private final LinkedHashMap<String, Object> byName;

    /** A row of so many fields by position, all null. */
    public Row(int arity) {
        this(RowKind.INSERT, arity);
    }

    /** A row of so many fields by position, all null. */
    public Row(RowKind kind, int arity) {
        this(kind, new Object[arity], null);
    }

    private Row(RowKind kind, Object[] byPosition, LinkedHashMap<String, Object> byName) {
        this.kind = kind;
        this.byPosition = byPosition;
        this.byName = byName;
    }

    /** A row of these fields by position. */
    public static Row of(Object... values) {
        return ofKind(RowKind.INSERT, values);
    }

    /** A row of these fields by position. */
    public static Row ofKind(RowKind kind, Object... values) {
        return new Row(kind, values.clone(), null);
    }

    /** A row whose fields will be set by position. */
    public static Row withPositions(int length) {
        return withPositions(RowKind.INSERT, length);
    }

    /** A row whose fields will be set by position. */
    public static Row withPositions(RowKind kind, int length) {
        return new Row(kind, length);
    }

    /** A row whose fields will be set by name. */
    public static Row withNames() {
        return withNames(RowKind.INSERT);
    }

    /** A row whose fields will be set by name. */
    public static Row withNames(RowKind kind) {
        return new Row(kind, null, new LinkedHashMap<>());
    }

    /** What the row does to its table. */
    public RowKind getKind() {
        return kind;
    }

    /** Sets what the row does to its table. */
    public void setKind(RowKind kind) {
        this.kind = Objects.requireNonNull(kind, "kind");
    }

    /** Number of fields. */
    public int getArity() {
        return byPosition != null ? byPosition.length : byName.size();
    }

    private Object[] positions() {
        if (byPosition == null) {
            throw new IllegalArgumentException("the fields of this row have names, not positions");
        }
        return byPosition;
    }

    private Map<String, Object> named() {
        if (byName == null) {
            throw new IllegalArgumentException("the fields of this row have positions, not names");
        }
        return byName;
    }

    /** The field at a position. */
    public Object getField(int pos) {
        return positions()[pos];
    }

    /** The field at a position, as the type that is expected. */
    @SuppressWarnings("unchecked")
    public <T> T getFieldAs(int pos) {
        return (T) getField(pos);
    }

    /** The field of a name. */
    public Object getField(String name) {
        if (!named().containsKey(name)) {
            throw new IllegalArgumentException("there is no field `" + name + "`, the fields are " + named().keySet());
        }
        return named().get(name);
    }

    /** The field of a name, as the type that is expected. */
    @SuppressWarnings("unchecked")
    public <T> T getFieldAs(String name) {
        return (T) getField(name);
    }

    /** Sets the field at a position. */
    public void setField(int pos, Object value) {
        positions()[pos] = value;
    }

    /** Sets the field of a name. */
    public void setField(String name, Object value) {
        named().put(name, value);
    }

    /** Names of the fields; null if they have positions. */
    public Set<String> getFieldNames(boolean includeNamedPositions) {
        return byName == null ? null : Collections.unmodifiableSet(new HashSet<>(byName.keySet()));
    }

    /** Sets all fields to null, or removes them if they have names. */
    public void clear() {
        if (byPosition != null) {
            Arrays.fill(byPosition, null);
        } else {
            byName.clear();
        }
    }

    /** The same fields in a row of its own. */
    public static Row copy(Row row) {
        return new Row(
            row.kind,
            row.byPosition == null ? null : row.byPosition.clone(),
            row.byName == null ? null : new LinkedHashMap<>(row.byName));
    }

    /** A row of some fields by position. */
    public static Row project(Row row, int[] fields) {
        Row projected = new Row(row.kind, fields.length);
        for (int i = 0; i < fields.length; i++) {
            projected.setField(i, row.getField(fields[i]));
        }
        return projected;
    }

    /** A row of some fields by name. */
    public static Row project(Row row, String[] fields) {
        Row projected = withNames(row.kind);
        for (String field : fields) {
            projected.setField(field, row.getField(field));
        }
        return projected;
    }

    /** A row of all fields by position of several rows, one after another. */
    public static Row join(Row first, Row... others) {
        List<Object> values = new ArrayList<>(Arrays.asList(first.positions()));
        for (Row other : others) {
            values.addAll(Arrays.asList(other.positions()));
        }
        return new Row(first.kind, values.toArray(), null);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Row)) {
            return false;
        }
        Row row = (Row) other;
        return kind == row.kind && Arrays.deepEquals(byPosition, row.byPosition) && Objects.equals(byName, row.byName);
    }

    @Override
    public int hashCode() {
        return 31 * kind.hashCode() + (byPosition != null ? Arrays.deepHashCode(byPosition) : byName.hashCode());
    }

    @Override
    public String toString() {
        if (byName != null) {
            return kind.shortString() + byName;
        }
        String values = Arrays.deepToString(byPosition);
        return kind.shortString() + values;
    }
}
