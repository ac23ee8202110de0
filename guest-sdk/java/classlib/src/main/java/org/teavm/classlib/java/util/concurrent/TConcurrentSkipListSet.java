package org.teavm.classlib.java.util.concurrent;

import java.util.Collection;
import java.util.Comparator;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.TreeSet;

/** {@code java.util.concurrent.ConcurrentSkipListSet}. */
public class TConcurrentSkipListSet<E> extends TreeSet<E> {
    private static final long serialVersionUID = 1L;

    public TConcurrentSkipListSet() {}

    public TConcurrentSkipListSet(Comparator<? super E> comparator) {
        super(comparator);
    }

    public TConcurrentSkipListSet(Collection<? extends E> elements) {
        super(elements);
    }

    @Override
    public Iterator<E> iterator() {
        return new Iterator<>() {
            private E next = isEmpty() ? null : first();
            private E last;

            @Override
            public boolean hasNext() {
                return next != null;
            }

            @Override
            public E next() {
                if (next == null) {
                    throw new NoSuchElementException();
                }
                last = next;
                next = higher(last);
                return last;
            }

            @Override
            public void remove() {
                TConcurrentSkipListSet.this.remove(last);
            }
        };
    }
}
