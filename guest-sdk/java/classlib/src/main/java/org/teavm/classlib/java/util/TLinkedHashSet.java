package org.teavm.classlib.java.util;

import java.util.Collection;
import java.util.LinkedHashMap;

/** {@code java.util.LinkedHashSet}. */
public class TLinkedHashSet<E> extends THashSet<E> {
    private static final long serialVersionUID = 1L;

    public TLinkedHashSet() {
        super(new LinkedHashMap<>());
    }

    public TLinkedHashSet(int initialCapacity) {
        super(new LinkedHashMap<>(initialCapacity));
    }

    public TLinkedHashSet(int initialCapacity, float loadFactor) {
        super(new LinkedHashMap<>(initialCapacity, loadFactor));
    }

    public TLinkedHashSet(Collection<? extends E> elements) {
        super(new LinkedHashMap<>(Math.max(2 * elements.size(), 11)));
        addAll(elements);
    }

    @Override
    public Object clone() {
        return new TLinkedHashSet<>(this);
    }
}
