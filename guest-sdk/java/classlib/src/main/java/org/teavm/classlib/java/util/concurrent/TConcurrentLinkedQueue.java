package org.teavm.classlib.java.util.concurrent;

import java.io.Serializable;
import java.util.AbstractQueue;
import java.util.Collection;
import java.util.Iterator;

/** {@code java.util.concurrent.ConcurrentLinkedQueue}. */
public class TConcurrentLinkedQueue<E> extends AbstractQueue<E> implements Serializable {
    private static final long serialVersionUID = 1L;

    private final TConcurrentLinkedDeque<E> elements = new TConcurrentLinkedDeque<>();

    public TConcurrentLinkedQueue() {}

    public TConcurrentLinkedQueue(Collection<? extends E> elements) {
        addAll(elements);
    }

    @Override
    public boolean offer(E e) {
        return elements.offer(e);
    }

    @Override
    public E poll() {
        return elements.poll();
    }

    @Override
    public E peek() {
        return elements.peek();
    }

    @Override
    public Iterator<E> iterator() {
        return elements.iterator();
    }

    @Override
    public boolean remove(Object o) {
        return elements.remove(o);
    }

    @Override
    public int size() {
        return elements.size();
    }
}
