package org.teavm.classlib.java.util.concurrent;

import java.io.Serializable;
import java.util.AbstractSet;
import java.util.Collection;
import java.util.Iterator;
import java.util.concurrent.CopyOnWriteArrayList;

/** {@code java.util.concurrent.CopyOnWriteArraySet}. */
public class TCopyOnWriteArraySet<E> extends AbstractSet<E> implements Serializable {
    private static final long serialVersionUID = 1L;

    private final CopyOnWriteArrayList<E> elements = new CopyOnWriteArrayList<>();

    public TCopyOnWriteArraySet() {}

    public TCopyOnWriteArraySet(Collection<? extends E> elements) {
        addAll(elements);
    }

    @Override
    public boolean add(E e) {
        return !elements.contains(e) && elements.add(e);
    }

    @Override
    public boolean remove(Object o) {
        return elements.remove(o);
    }

    @Override
    public boolean contains(Object o) {
        return elements.contains(o);
    }

    @Override
    public Iterator<E> iterator() {
        return elements.iterator();
    }

    @Override
    public int size() {
        return elements.size();
    }
}
