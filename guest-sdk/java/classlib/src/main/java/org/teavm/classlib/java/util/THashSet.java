package org.teavm.classlib.java.util;

import java.io.Serializable;
import java.util.AbstractSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;

/** {@code java.util.HashSet}. */
public class THashSet<E> extends AbstractSet<E> implements Cloneable, Serializable {
    private static final long serialVersionUID = 1L;

    private final HashMap<E, Object> map;

    public THashSet() {
        this(new HashMap<>());
    }

    public THashSet(int initialCapacity) {
        this(new HashMap<>(initialCapacity));
    }

    public THashSet(int initialCapacity, float loadFactor) {
        this(new HashMap<>(initialCapacity, loadFactor));
    }

    public THashSet(Collection<? extends E> elements) {
        this(new HashMap<>(Math.max((int) (elements.size() / 0.75f) + 1, 16)));
        addAll(elements);
    }

    THashSet(HashMap<E, Object> map) {
        this.map = map;
    }

    @Override
    public boolean add(E element) {
        return map.put(element, Boolean.TRUE) == null;
    }

    @Override
    public boolean remove(Object element) {
        return map.remove(element) != null;
    }

    @Override
    public boolean contains(Object element) {
        return map.containsKey(element);
    }

    @Override
    public void clear() {
        map.clear();
    }

    @Override
    public boolean isEmpty() {
        return map.isEmpty();
    }

    @Override
    public int size() {
        return map.size();
    }

    @Override
    public Iterator<E> iterator() {
        return map.keySet().iterator();
    }

    @Override
    public Object clone() {
        return new THashSet<>(this);
    }
}
