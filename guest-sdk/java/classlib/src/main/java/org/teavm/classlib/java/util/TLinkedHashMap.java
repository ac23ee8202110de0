package org.teavm.classlib.java.util;

import java.util.ConcurrentModificationException;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;

/** {@code java.util.LinkedHashMap}: a hash map whose nodes are also a list, in the order of insertion or of last access. */
public class TLinkedHashMap<K, V> extends THashMap<K, V> {
    private static final long serialVersionUID = 1L;

    static final class LinkedNode<K, V> extends Node<K, V> {
        LinkedNode<K, V> before;
        LinkedNode<K, V> after;

        LinkedNode(int hash, K key, V value, Node<K, V> next) {
            super(hash, key, value, next);
        }
    }

    private LinkedNode<K, V> eldest;
    private LinkedNode<K, V> youngest;
    private final boolean byAccess;

    public TLinkedHashMap() {
        byAccess = false;
    }

    public TLinkedHashMap(int initialCapacity) {
        super(initialCapacity);
        byAccess = false;
    }

    public TLinkedHashMap(int initialCapacity, float loadFactor) {
        this(initialCapacity, loadFactor, false);
    }

    public TLinkedHashMap(int initialCapacity, float loadFactor, boolean accessOrder) {
        super(initialCapacity, loadFactor);
        byAccess = accessOrder;
    }

    public TLinkedHashMap(Map<? extends K, ? extends V> map) {
        byAccess = false;
        putAll(map);
    }

    protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
        return false;
    }

    @Override
    Node<K, V> newNode(int hash, K key, V value, Node<K, V> next) {
        LinkedNode<K, V> node = new LinkedNode<>(hash, key, value, next);
        append(node);
        return node;
    }

    private void append(LinkedNode<K, V> node) {
        node.before = youngest;
        node.after = null;
        if (youngest == null) {
            eldest = node;
        } else {
            youngest.after = node;
        }
        youngest = node;
    }

    @Override
    void removed(Node<K, V> removed) {
        LinkedNode<K, V> node = (LinkedNode<K, V>) removed;
        if (node.before == null) {
            eldest = node.after;
        } else {
            node.before.after = node.after;
        }
        if (node.after == null) {
            youngest = node.before;
        } else {
            node.after.before = node.before;
        }
    }

    @Override
    void accessed(Node<K, V> node) {
        if (byAccess && node != youngest) {
            removed(node);
            append((LinkedNode<K, V>) node);
            changes++;
        }
    }

    @Override
    void inserted() {
        LinkedNode<K, V> first = eldest;
        if (first != null && removeEldestEntry(first)) {
            unlink(first.key, false, null);
        }
    }

    @Override
    public void clear() {
        super.clear();
        eldest = null;
        youngest = null;
    }

    @Override
    Iterator<Node<K, V>> nodes() {
        return new Iterator<>() {
            private LinkedNode<K, V> next = eldest;
            private LinkedNode<K, V> last;
            private int expected = changes;

            @Override
            public boolean hasNext() {
                return next != null;
            }

            @Override
            public Node<K, V> next() {
                if (changes != expected) {
                    throw new ConcurrentModificationException();
                }
                if (next == null) {
                    throw new NoSuchElementException();
                }
                last = next;
                next = next.after;
                return last;
            }

            @Override
            public void remove() {
                if (last == null) {
                    throw new IllegalStateException();
                }
                if (changes != expected) {
                    throw new ConcurrentModificationException();
                }
                unlink(last.key, false, null);
                last = null;
                expected = changes;
            }
        };
    }

    @Override
    public Object clone() {
        return new TLinkedHashMap<>(this);
    }
}
