package org.teavm.classlib.java.util.concurrent;

import java.io.Serializable;
import java.util.AbstractQueue;
import java.util.Collection;
import java.util.Comparator;
import java.util.Iterator;
import java.util.PriorityQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/** {@code java.util.concurrent.PriorityBlockingQueue}. There is one thread: what would wait for ever is refused. */
public class TPriorityBlockingQueue<E> extends AbstractQueue<E> implements BlockingQueue<E>, Serializable {
    private static final long serialVersionUID = 1L;

    private final PriorityQueue<E> elements;
    private final int capacity = Integer.MAX_VALUE;

    public TPriorityBlockingQueue() {
        elements = new PriorityQueue<>();
    }

    public TPriorityBlockingQueue(int initialCapacity) {
        elements = new PriorityQueue<>(initialCapacity);
    }

    public TPriorityBlockingQueue(int initialCapacity, Comparator<? super E> comparator) {
        elements = new PriorityQueue<>(initialCapacity, comparator);
    }

    @Override
    public boolean offer(E e) {
        if (e == null) {
            throw new NullPointerException();
        }
        return remainingCapacity() > 0 && elements.offer(e);
    }

    @Override
    public boolean offer(E e, long timeout, TimeUnit unit) {
        return offer(e);
    }

    @Override
    public void put(E e) {
        if (!offer(e)) {
            throw new IllegalStateException("waiting would last for ever: a component has one thread");
        }
    }

    @Override
    public E poll() {
        return elements.poll();
    }

    @Override
    public E poll(long timeout, TimeUnit unit) {
        return elements.poll();
    }

    @Override
    public E take() {
        if (elements.isEmpty()) {
            throw new IllegalStateException("waiting would last for ever: a component has one thread");
        }
        return elements.poll();
    }

    @Override
    public E peek() {
        return elements.peek();
    }

    @Override
    public int remainingCapacity() {
        return capacity - elements.size();
    }

    @Override
    public int drainTo(Collection<? super E> target) {
        return drainTo(target, Integer.MAX_VALUE);
    }

    @Override
    public int drainTo(Collection<? super E> target, int most) {
        int moved = 0;
        while (moved < most && !elements.isEmpty()) {
            target.add(elements.poll());
            moved++;
        }
        return moved;
    }

    @Override
    public Iterator<E> iterator() {
        return elements.iterator();
    }

    @Override
    public int size() {
        return elements.size();
    }

    @Override
    public boolean remove(Object o) {
        return elements.remove(o);
    }
}
