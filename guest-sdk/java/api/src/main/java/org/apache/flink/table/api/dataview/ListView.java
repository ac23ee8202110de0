package org.apache.flink.table.api.dataview;

import java.util.ArrayList;
import java.util.List;

/** A list in an accumulator. */
public class ListView<T> implements DataView {
    private static final long serialVersionUID = 1L;

    private List<T> list = new ArrayList<>();

    /** The list itself. */
    public List<T> getList() {
        return list;
    }

    /** Replaces the list. */
    public void setList(List<T> list) {
        this.list = list;
    }

    /** All elements, in order. */
    public Iterable<T> get() throws Exception {
        return list;
    }

    /** Appends. */
    public void add(T value) throws Exception {
        list.add(value);
    }

    /** Appends all. */
    public void addAll(List<T> values) throws Exception {
        list.addAll(values);
    }

    /** Removes the first equal element; answers whether there was one. */
    public boolean remove(T value) throws Exception {
        return list.remove(value);
    }

    @Override
    public void clear() {
        list.clear();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ListView && list.equals(((ListView<?>) other).list);
    }

    @Override
    public int hashCode() {
        return list.hashCode();
    }
}
