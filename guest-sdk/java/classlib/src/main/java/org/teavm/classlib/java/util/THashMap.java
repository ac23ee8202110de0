package org.teavm.classlib.java.util;

import java.io.Serializable;
import java.util.AbstractCollection;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Collection;
import java.util.ConcurrentModificationException;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * {@code java.util.HashMap}: chains in a table of a power of two, iterated in the order in which the JVM iterates.
 *
 * <p>Invariant: sizes of the table and places in a chain are those that the JVM gives, as long as no chain is longer than
 * eight.
 */
public class THashMap<K, V> extends AbstractMap<K, V> implements Cloneable, Serializable {
    private static final long serialVersionUID = 1L;
    private static final int CHAIN_LONG = 8;
    private static final int TABLE_SMALL = 64;

    static class Node<K, V> implements Map.Entry<K, V> {
        final int hash;
        final K key;
        V value;
        Node<K, V> next;

        Node(int hash, K key, V value, Node<K, V> next) {
            this.hash = hash;
            this.key = key;
            this.value = value;
            this.next = next;
        }

        @Override
        public final K getKey() {
            return key;
        }

        @Override
        public final V getValue() {
            return value;
        }

        @Override
        public final V setValue(V value) {
            V old = this.value;
            this.value = value;
            return old;
        }

        @Override
        public final int hashCode() {
            return Objects.hashCode(key) ^ Objects.hashCode(value);
        }

        @Override
        public final boolean equals(Object other) {
            return other instanceof Map.Entry && Objects.equals(key, ((Map.Entry<?, ?>) other).getKey())
                && Objects.equals(value, ((Map.Entry<?, ?>) other).getValue());
        }

        @Override
        public final String toString() {
            return key + "=" + value;
        }
    }

    Node<K, V>[] table;
    int size;
    int changes;
    /** Entries above which the table grows; before there is a table its first size, 0 for the usual one. */
    private int threshold;
    private final float loadFactor;

    public THashMap() {
        loadFactor = 0.75f;
    }

    public THashMap(int initialCapacity) {
        this(initialCapacity, 0.75f);
    }

    public THashMap(int initialCapacity, float loadFactor) {
        if (initialCapacity < 0) {
            throw new IllegalArgumentException("Illegal initial capacity: " + initialCapacity);
        }
        if (!(loadFactor > 0)) {
            throw new IllegalArgumentException("Illegal load factor: " + loadFactor);
        }
        this.loadFactor = loadFactor;
        threshold = tableSize(initialCapacity);
    }

    public THashMap(Map<? extends K, ? extends V> map) {
        loadFactor = 0.75f;
        putAll(map);
    }

    private static int tableSize(int capacity) {
        int bounded = Math.min(capacity, 1 << 30);
        return bounded <= 1 ? 1 : Integer.highestOneBit(bounded - 1) << 1;
    }

    static int hash(Object key) {
        if (key == null) {
            return 0;
        }
        int hash = key.hashCode();
        return hash ^ hash >>> 16;
    }

    Node<K, V> newNode(int hash, K key, V value, Node<K, V> next) {
        return new Node<>(hash, key, value, next);
    }

    void accessed(Node<K, V> node) {}

    void inserted() {}

    void removed(Node<K, V> node) {}

    final Node<K, V> find(Object key) {
        Node<K, V>[] nodes = table;
        if (nodes == null) {
            return null;
        }
        int hash = hash(key);
        for (Node<K, V> node = nodes[hash & nodes.length - 1]; node != null; node = node.next) {
            if (node.hash == hash && (node.key == key || key != null && key.equals(node.key))) {
                return node;
            }
        }
        return null;
    }

    @SuppressWarnings("unchecked")
    private Node<K, V>[] resize() {
        Node<K, V>[] old = table;
        int length = old != null ? old.length << 1 : threshold > 0 ? threshold : 16;
        if (old != null && old.length >= 1 << 30) {
            threshold = Integer.MAX_VALUE;
            return old;
        }
        threshold = (int) Math.min(length * loadFactor, Integer.MAX_VALUE);
        Node<K, V>[] nodes = (Node<K, V>[]) new Node<?, ?>[length];
        table = nodes;
        if (old == null) {
            return nodes;
        }
        for (int i = 0; i < old.length; i++) {
            Node<K, V> lowTail = null;
            Node<K, V> highTail = null;
            for (Node<K, V> node = old[i]; node != null; node = node.next) {
                if ((node.hash & old.length) == 0) {
                    if (lowTail == null) {
                        nodes[i] = node;
                    } else {
                        lowTail.next = node;
                    }
                    lowTail = node;
                } else {
                    if (highTail == null) {
                        nodes[i + old.length] = node;
                    } else {
                        highTail.next = node;
                    }
                    highTail = node;
                }
            }
            if (lowTail != null) {
                lowTail.next = null;
            }
            if (highTail != null) {
                highTail.next = null;
            }
        }
        return nodes;
    }

    /** Adds at the end of its chain a key that is not there. */
    private void append(K key, V value) {
        Node<K, V>[] nodes = table == null ? resize() : table;
        int hash = hash(key);
        int at = hash & nodes.length - 1;
        Node<K, V> added = newNode(hash, key, value, null);
        Node<K, V> tail = nodes[at];
        if (tail == null) {
            nodes[at] = added;
        } else {
            int length = 1;
            for (; tail.next != null; tail = tail.next) {
                length++;
            }
            tail.next = added;
            growIfLong(length);
        }
        changes++;
        if (++size > threshold) {
            resize();
        }
        inserted();
    }

    /** Adds at the start of its chain a key that is not there, as the functions that compute do. */
    private void prepend(K key, V value) {
        Node<K, V>[] nodes = size > threshold || table == null ? resize() : table;
        int hash = hash(key);
        int at = hash & nodes.length - 1;
        int length = 0;
        for (Node<K, V> node = nodes[at]; node != null; node = node.next) {
            length++;
        }
        nodes[at] = newNode(hash, key, value, nodes[at]);
        growIfLong(length);
        changes++;
        size++;
        inserted();
    }

    private void growIfLong(int chainBefore) {
        if (chainBefore >= CHAIN_LONG && table.length < TABLE_SMALL) {
            resize();
        }
    }

    final Node<K, V> unlink(Object key, boolean matching, Object value) {
        Node<K, V>[] nodes = table;
        if (nodes == null) {
            return null;
        }
        int hash = hash(key);
        int at = hash & nodes.length - 1;
        Node<K, V> before = null;
        for (Node<K, V> node = nodes[at]; node != null; before = node, node = node.next) {
            if (node.hash == hash && (node.key == key || key != null && key.equals(node.key))) {
                if (matching && !Objects.equals(value, node.value)) {
                    return null;
                }
                if (before == null) {
                    nodes[at] = node.next;
                } else {
                    before.next = node.next;
                }
                changes++;
                size--;
                removed(node);
                return node;
            }
        }
        return null;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public boolean isEmpty() {
        return size == 0;
    }

    @Override
    public V get(Object key) {
        Node<K, V> node = find(key);
        if (node == null) {
            return null;
        }
        accessed(node);
        return node.value;
    }

    @Override
    public V getOrDefault(Object key, V otherwise) {
        Node<K, V> node = find(key);
        if (node == null) {
            return otherwise;
        }
        accessed(node);
        return node.value;
    }

    @Override
    public boolean containsKey(Object key) {
        return find(key) != null;
    }

    @Override
    public boolean containsValue(Object value) {
        for (V there : values()) {
            if (Objects.equals(value, there)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public V put(K key, V value) {
        Node<K, V> node = find(key);
        if (node == null) {
            append(key, value);
            return null;
        }
        V old = node.value;
        node.value = value;
        accessed(node);
        return old;
    }

    @Override
    public void putAll(Map<? extends K, ? extends V> map) {
        int more = map.size();
        if (more == 0) {
            return;
        }
        if (table == null) {
            int needed = (int) Math.min(more / loadFactor + 1.0f, 1 << 30);
            if (needed > threshold) {
                threshold = tableSize(needed);
            }
        } else {
            while (more > threshold && table.length < 1 << 30) {
                resize();
            }
        }
        for (Map.Entry<? extends K, ? extends V> entry : map.entrySet()) {
            put(entry.getKey(), entry.getValue());
        }
    }

    @Override
    public V remove(Object key) {
        Node<K, V> node = unlink(key, false, null);
        return node == null ? null : node.value;
    }

    @Override
    public boolean remove(Object key, Object value) {
        return unlink(key, true, value) != null;
    }

    @Override
    public void clear() {
        changes++;
        size = 0;
        if (table != null) {
            java.util.Arrays.fill(table, null);
        }
    }

    @Override
    public V putIfAbsent(K key, V value) {
        Node<K, V> node = find(key);
        if (node == null) {
            append(key, value);
            return null;
        }
        V old = node.value;
        if (old == null) {
            node.value = value;
        }
        accessed(node);
        return old;
    }

    @Override
    public boolean replace(K key, V oldValue, V newValue) {
        Node<K, V> node = find(key);
        if (node == null || !Objects.equals(node.value, oldValue)) {
            return false;
        }
        node.value = newValue;
        accessed(node);
        return true;
    }

    @Override
    public V replace(K key, V value) {
        Node<K, V> node = find(key);
        if (node == null) {
            return null;
        }
        V old = node.value;
        node.value = value;
        accessed(node);
        return old;
    }

    private void check(int expected) {
        if (changes != expected) {
            throw new ConcurrentModificationException();
        }
    }

    @Override
    public V computeIfAbsent(K key, Function<? super K, ? extends V> function) {
        if (size > threshold || table == null) {
            resize();
        }
        Node<K, V> node = find(key);
        if (node != null && node.value != null) {
            accessed(node);
            return node.value;
        }
        int expected = changes;
        V value = function.apply(key);
        check(expected);
        if (value != null) {
            if (node != null) {
                node.value = value;
                accessed(node);
            } else {
                prepend(key, value);
            }
        }
        return value;
    }

    @Override
    public V computeIfPresent(K key, BiFunction<? super K, ? super V, ? extends V> function) {
        Node<K, V> node = find(key);
        return node == null || node.value == null ? null : computed(key, node, function);
    }

    @Override
    public V compute(K key, BiFunction<? super K, ? super V, ? extends V> function) {
        if (size > threshold || table == null) {
            resize();
        }
        return computed(key, find(key), function);
    }

    private V computed(K key, Node<K, V> node, BiFunction<? super K, ? super V, ? extends V> function) {
        int expected = changes;
        V value = function.apply(key, node == null ? null : node.value);
        check(expected);
        if (node == null) {
            if (value != null) {
                prepend(key, value);
            }
        } else if (value == null) {
            unlink(key, false, null);
        } else {
            node.value = value;
            accessed(node);
        }
        return value;
    }

    @Override
    public V merge(K key, V value, BiFunction<? super V, ? super V, ? extends V> function) {
        Objects.requireNonNull(value);
        if (size > threshold || table == null) {
            resize();
        }
        Node<K, V> node = find(key);
        if (node == null) {
            prepend(key, value);
            return value;
        }
        V merged = value;
        if (node.value != null) {
            int expected = changes;
            merged = function.apply(node.value, value);
            check(expected);
        }
        if (merged == null) {
            unlink(key, false, null);
        } else {
            node.value = merged;
            accessed(node);
        }
        return merged;
    }

    @Override
    public void forEach(BiConsumer<? super K, ? super V> action) {
        for (Iterator<Node<K, V>> nodes = nodes(); nodes.hasNext();) {
            Node<K, V> node = nodes.next();
            action.accept(node.key, node.value);
        }
    }

    @Override
    public void replaceAll(BiFunction<? super K, ? super V, ? extends V> function) {
        for (Iterator<Node<K, V>> nodes = nodes(); nodes.hasNext();) {
            Node<K, V> node = nodes.next();
            node.value = function.apply(node.key, node.value);
        }
    }

    /** All nodes, in order. */
    Iterator<Node<K, V>> nodes() {
        return new Nodes<>(this);
    }

    private static final class Nodes<K, V> implements Iterator<Node<K, V>> {
        private final THashMap<K, V> map;
        private int at;
        private Node<K, V> next;
        private Node<K, V> last;
        private int expected;

        Nodes(THashMap<K, V> map) {
            this.map = map;
            expected = map.changes;
            advance();
        }

        private void advance() {
            Node<K, V>[] nodes = map.table;
            while (next == null && nodes != null && at < nodes.length) {
                next = nodes[at++];
            }
        }

        @Override
        public boolean hasNext() {
            return next != null;
        }

        @Override
        public Node<K, V> next() {
            if (map.changes != expected) {
                throw new ConcurrentModificationException();
            }
            Node<K, V> node = next;
            if (node == null) {
                throw new NoSuchElementException();
            }
            last = node;
            next = node.next;
            advance();
            return node;
        }

        @Override
        public void remove() {
            if (last == null) {
                throw new IllegalStateException();
            }
            if (map.changes != expected) {
                throw new ConcurrentModificationException();
            }
            map.unlink(last.key, false, null);
            last = null;
            expected = map.changes;
        }
    }

    @Override
    public Set<K> keySet() {
        return new Keys<>(this);
    }

    @Override
    public Collection<V> values() {
        return new Values<>(this);
    }

    @Override
    public Set<Map.Entry<K, V>> entrySet() {
        return new Entries<>(this);
    }

    private static final class Keys<K, V> extends AbstractSet<K> {
        private final THashMap<K, V> map;

        Keys(THashMap<K, V> map) {
            this.map = map;
        }

        @Override
        public int size() {
            return map.size;
        }

        @Override
        public boolean contains(Object key) {
            return map.containsKey(key);
        }

        @Override
        public boolean remove(Object key) {
            return map.unlink(key, false, null) != null;
        }

        @Override
        public void clear() {
            map.clear();
        }

        @Override
        public Iterator<K> iterator() {
            Iterator<Node<K, V>> nodes = map.nodes();
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return nodes.hasNext();
                }

                @Override
                public K next() {
                    return nodes.next().key;
                }

                @Override
                public void remove() {
                    nodes.remove();
                }
            };
        }
    }

    private static final class Values<K, V> extends AbstractCollection<V> {
        private final THashMap<K, V> map;

        Values(THashMap<K, V> map) {
            this.map = map;
        }

        @Override
        public int size() {
            return map.size;
        }

        @Override
        public void clear() {
            map.clear();
        }

        @Override
        public Iterator<V> iterator() {
            Iterator<Node<K, V>> nodes = map.nodes();
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return nodes.hasNext();
                }

                @Override
                public V next() {
                    return nodes.next().value;
                }

                @Override
                public void remove() {
                    nodes.remove();
                }
            };
        }
    }

    private static final class Entries<K, V> extends AbstractSet<Map.Entry<K, V>> {
        private final THashMap<K, V> map;

        Entries(THashMap<K, V> map) {
            this.map = map;
        }

        @Override
        public int size() {
            return map.size;
        }

        @Override
        public boolean contains(Object other) {
            Node<K, V> node = other instanceof Map.Entry ? map.find(((Map.Entry<?, ?>) other).getKey()) : null;
            return node != null && node.equals(other);
        }

        @Override
        public boolean remove(Object other) {
            return other instanceof Map.Entry && map.unlink(((Map.Entry<?, ?>) other).getKey(), true, ((Map.Entry<?, ?>) other).getValue()) != null;
        }

        @Override
        public void clear() {
            map.clear();
        }

        @Override
        @SuppressWarnings({"unchecked", "rawtypes"})
        public Iterator<Map.Entry<K, V>> iterator() {
            return (Iterator) map.nodes();
        }
    }

    @Override
    public Object clone() {
        return new THashMap<>(this);
    }
}
