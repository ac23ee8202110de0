package org.teavm.classlib.java.util.concurrent;

import java.io.Serializable;
import java.util.AbstractCollection;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;

/** {@code java.util.concurrent.ConcurrentLinkedDeque}: iterators go on after changes, over the elements at their start. */
public class TConcurrentLinkedDeque<E> extends AbstractCollection<E> implements Deque<E>, Serializable {
    private static final long serialVersionUID = 1L;

    private final ArrayDeque<E> elements = new ArrayDeque<>();

    public TConcurrentLinkedDeque() {}

    public TConcurrentLinkedDeque(Collection<? extends E> elements) {
        this.elements.addAll(elements);
    }

    private Iterator<E> over(Iterator<E> source) {
        ArrayDeque<E> left = new ArrayDeque<>();
        source.forEachRemaining(left::add);
        return new Iterator<>() {
            private E last;

            @Override
            public boolean hasNext() {
                return !left.isEmpty();
            }

            @Override
            public E next() {
                last = left.removeFirst();
                return last;
            }

            @Override
            public void remove() {
                elements.remove(last);
            }
        };
    }

    @Override
    public Iterator<E> iterator() {
        return over(elements.iterator());
    }

    @Override
    public Iterator<E> descendingIterator() {
        return over(elements.descendingIterator());
    }

    @Override
    public int size() {
        return elements.size();
    }

    @Override
    public void addFirst(E e) {
        elements.addFirst(e);
    }

    @Override
    public void addLast(E e) {
        elements.addLast(e);
    }

    @Override
    public boolean offerFirst(E e) {
        return elements.offerFirst(e);
    }

    @Override
    public boolean offerLast(E e) {
        return elements.offerLast(e);
    }

    @Override
    public E removeFirst() {
        return elements.removeFirst();
    }

    @Override
    public E removeLast() {
        return elements.removeLast();
    }

    @Override
    public E pollFirst() {
        return elements.pollFirst();
    }

    @Override
    public E pollLast() {
        return elements.pollLast();
    }

    @Override
    public E getFirst() {
        return elements.getFirst();
    }

    @Override
    public E getLast() {
        return elements.getLast();
    }

    @Override
    public E peekFirst() {
        return elements.peekFirst();
    }

    @Override
    public E peekLast() {
        return elements.peekLast();
    }

    @Override
    public boolean removeFirstOccurrence(Object o) {
        return elements.removeFirstOccurrence(o);
    }

    @Override
    public boolean removeLastOccurrence(Object o) {
        return elements.removeLastOccurrence(o);
    }

    @Override
    public boolean add(E e) {
        return elements.add(e);
    }

    @Override
    public boolean offer(E e) {
        return elements.offer(e);
    }

    @Override
    public E remove() {
        return elements.remove();
    }

    @Override
    public E poll() {
        return elements.poll();
    }

    @Override
    public E element() {
        return elements.element();
    }

    @Override
    public E peek() {
        return elements.peek();
    }

    @Override
    public void push(E e) {
        elements.push(e);
    }

    @Override
    public E pop() {
        return elements.pop();
    }

    @Override
    public boolean remove(Object o) {
        return elements.remove(o);
    }

    @Override
    public void clear() {
        elements.clear();
    }
}
