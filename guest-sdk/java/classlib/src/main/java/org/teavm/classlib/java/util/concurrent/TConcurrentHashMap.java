package org.teavm.classlib.java.util.concurrent;

import java.io.Serializable;
import java.util.AbstractCollection;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Collection;
import java.util.Collections;
import java.util.Enumeration;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentMap;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * {@code java.util.concurrent.ConcurrentHashMap} for one thread: no null, iterators that go on after changes, the order of
 * the JVM as long as no chain is longer than eight. "Parallel" is one after another.
 */
public class TConcurrentHashMap<K, V> extends AbstractMap<K, V> implements ConcurrentMap<K, V>, Serializable {
    private static final long serialVersionUID = 1L;

    private static final class Node<K, V> implements Map.Entry<K, V> {
        private final int hash;
        private final K key;
        private V value;
        private Node<K, V> next;

        Node(int hash, K key, V value, Node<K, V> next) {
            this.hash = hash;
            this.key = key;
            this.value = value;
            this.next = next;
        }

        @Override
        public K getKey() {
            return key;
        }

        @Override
        public V getValue() {
            return value;
        }

        @Override
        public V setValue(V value) {
            V old = this.value;
            this.value = Objects.requireNonNull(value);
            return old;
        }

        @Override
        public int hashCode() {
            return key.hashCode() ^ value.hashCode();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Map.Entry && key.equals(((Map.Entry<?, ?>) other).getKey()) && value.equals(((Map.Entry<?, ?>) other).getValue());
        }

        @Override
        public String toString() {
            return key + "=" + value;
        }
    }

    private Node<K, V>[] table;
    private int size;

    public TConcurrentHashMap() {
        this(newTable(16));
    }

    public TConcurrentHashMap(int initialCapacity) {
        this(initialCapacity, 0.75f, 1);
    }

    public TConcurrentHashMap(int initialCapacity, float loadFactor) {
        this(initialCapacity, loadFactor, 1);
    }

    public TConcurrentHashMap(int initialCapacity, float loadFactor, int concurrencyLevel) {
        this(newTable(tableSize((long) (1.0 + Math.max(initialCapacity, concurrencyLevel) / loadFactor))));
        if (initialCapacity < 0 || !(loadFactor > 0) || concurrencyLevel <= 0) {
            throw new IllegalArgumentException();
        }
    }

    public TConcurrentHashMap(Map<? extends K, ? extends V> map) {
        this();
        putAll(map);
    }

    private TConcurrentHashMap(Node<K, V>[] table) {
        this.table = table;
    }

    private static int tableSize(long capacity) {
        int bounded = (int) Math.min(capacity, 1 << 30);
        return bounded <= 1 ? 1 : Integer.highestOneBit(bounded - 1) << 1;
    }

    @SuppressWarnings("unchecked")
    private static <K, V> Node<K, V>[] newTable(int length) {
        return (Node<K, V>[]) new Node<?, ?>[length];
    }

    private static int hash(Object key) {
        int hash = key.hashCode();
        return (hash ^ hash >>> 16) & Integer.MAX_VALUE;
    }

    private Node<K, V> find(Object key) {
        int hash = hash(key);
        for (Node<K, V> node = table[hash & table.length - 1]; node != null; node = node.next) {
            if (node.hash == hash && key.equals(node.key)) {
                return node;
            }
        }
        return null;
    }

    /** Moves to a table of twice the length; the old one stays as it is for iterators. */
    private void grow() {
        Node<K, V>[] old = table;
        if (old.length >= 1 << 30) {
            return;
        }
        Node<K, V>[] nodes = newTable(old.length << 1);
        for (int i = 0; i < old.length; i++) {
            // The last run of nodes that stay together keeps its order, those before it are turned around.
            Node<K, V> run = old[i];
            for (Node<K, V> node = old[i]; node != null; node = node.next) {
                if ((node.hash & old.length) != (run.hash & old.length)) {
                    run = node;
                }
            }
            if (run != null) {
                Node<K, V> tail = null;
                int at = run.hash & nodes.length - 1;
                for (Node<K, V> node = run; node != null; node = node.next) {
                    Node<K, V> copy = new Node<>(node.hash, node.key, node.value, null);
                    if (tail == null) {
                        nodes[at] = copy;
                    } else {
                        tail.next = copy;
                    }
                    tail = copy;
                }
            }
            for (Node<K, V> node = old[i]; node != run; node = node.next) {
                int at = node.hash & nodes.length - 1;
                nodes[at] = new Node<>(node.hash, node.key, node.value, nodes[at]);
            }
        }
        table = nodes;
    }

    private void append(K key, V value) {
        Objects.requireNonNull(value);
        int hash = hash(key);
        int at = hash & table.length - 1;
        Node<K, V> added = new Node<>(hash, key, value, null);
        if (table[at] == null) {
            table[at] = added;
        } else {
            int length = 1;
            Node<K, V> tail = table[at];
            for (; tail.next != null; tail = tail.next) {
                length++;
            }
            tail.next = added;
            if (length >= 8 && table.length < 64) {
                grow();
            }
        }
        size++;
        while (size >= table.length - (table.length >>> 2) && table.length < 1 << 30) {
            grow();
        }
    }

    private V unlink(Object key, Object matching) {
        int hash = hash(key);
        int at = hash & table.length - 1;
        Node<K, V> before = null;
        for (Node<K, V> node = table[at]; node != null; before = node, node = node.next) {
            if (node.hash == hash && key.equals(node.key)) {
                if (matching != null && !matching.equals(node.value)) {
                    return null;
                }
                if (before == null) {
                    table[at] = node.next;
                } else {
                    before.next = node.next;
                }
                size--;
                return node.value;
            }
        }
        return null;
    }

    @Override
    public int size() {
        return size;
    }

    public long mappingCount() {
        return size;
    }

    @Override
    public boolean isEmpty() {
        return size == 0;
    }

    @Override
    public V get(Object key) {
        Node<K, V> node = find(key);
        return node == null ? null : node.value;
    }

    @Override
    public V getOrDefault(Object key, V otherwise) {
        Node<K, V> node = find(key);
        return node == null ? otherwise : node.value;
    }

    @Override
    public boolean containsKey(Object key) {
        return find(key) != null;
    }

    @Override
    public boolean containsValue(Object value) {
        Objects.requireNonNull(value);
        return super.containsValue(value);
    }

    public boolean contains(Object value) {
        return containsValue(value);
    }

    @Override
    public V put(K key, V value) {
        Objects.requireNonNull(value);
        Node<K, V> node = find(key);
        if (node == null) {
            append(key, value);
            return null;
        }
        return node.setValue(value);
    }

    @Override
    public void putAll(Map<? extends K, ? extends V> map) {
        int more = map.size();
        int wanted = tableSize((long) more + (more >>> 1) + 1);
        while (table.length < wanted) {
            grow();
        }
        for (Map.Entry<? extends K, ? extends V> entry : map.entrySet()) {
            put(entry.getKey(), entry.getValue());
        }
    }

    @Override
    public V putIfAbsent(K key, V value) {
        Node<K, V> node = find(key);
        if (node == null) {
            append(key, value);
            return null;
        }
        return node.value;
    }

    @Override
    public V remove(Object key) {
        return unlink(key, null);
    }

    @Override
    public boolean remove(Object key, Object value) {
        Objects.requireNonNull(key);
        return value != null && unlink(key, value) != null;
    }

    @Override
    public boolean replace(K key, V oldValue, V newValue) {
        Node<K, V> node = find(key);
        boolean same = node != null && node.value.equals(oldValue);
        if (same) {
            node.setValue(newValue);
        }
        return same;
    }

    @Override
    public V replace(K key, V value) {
        Node<K, V> node = find(key);
        return node == null ? null : node.setValue(value);
    }

    @Override
    public void clear() {
        table = newTable(table.length);
        size = 0;
    }

    @Override
    public V computeIfAbsent(K key, Function<? super K, ? extends V> function) {
        Node<K, V> node = find(key);
        if (node != null) {
            return node.value;
        }
        V value = function.apply(key);
        if (value != null) {
            put(key, value);
        }
        return value;
    }

    @Override
    public V computeIfPresent(K key, BiFunction<? super K, ? super V, ? extends V> function) {
        Node<K, V> node = find(key);
        return node == null ? null : settle(key, function.apply(key, node.value));
    }

    @Override
    public V compute(K key, BiFunction<? super K, ? super V, ? extends V> function) {
        Node<K, V> node = find(key);
        return settle(key, function.apply(key, node == null ? null : node.value));
    }

    @Override
    public V merge(K key, V value, BiFunction<? super V, ? super V, ? extends V> function) {
        Objects.requireNonNull(value);
        Node<K, V> node = find(key);
        return settle(key, node == null ? value : function.apply(node.value, value));
    }

    private V settle(K key, V value) {
        if (value == null) {
            unlink(key, null);
        } else {
            put(key, value);
        }
        return value;
    }

    @Override
    public void forEach(BiConsumer<? super K, ? super V> action) {
        for (Nodes<K, V> nodes = new Nodes<>(this); nodes.hasNext();) {
            Node<K, V> node = nodes.next();
            action.accept(node.key, node.value);
        }
    }

    @Override
    public void replaceAll(BiFunction<? super K, ? super V, ? extends V> function) {
        for (Nodes<K, V> nodes = new Nodes<>(this); nodes.hasNext();) {
            Node<K, V> node = nodes.next();
            node.setValue(function.apply(node.key, node.value));
        }
    }

    public void forEach(long threshold, BiConsumer<? super K, ? super V> action) {
        forEach(action);
    }

    public void forEachKey(long threshold, Consumer<? super K> action) {
        keySet().forEach(action);
    }

    public void forEachValue(long threshold, Consumer<? super V> action) {
        values().forEach(action);
    }

    public <U> U search(long threshold, BiFunction<? super K, ? super V, ? extends U> function) {
        for (Map.Entry<K, V> entry : entrySet()) {
            U found = function.apply(entry.getKey(), entry.getValue());
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    public <U> U reduce(
        long threshold, BiFunction<? super K, ? super V, ? extends U> transformer, BiFunction<? super U, ? super U, ? extends U> reducer) {
        U result = null;
        for (Map.Entry<K, V> entry : entrySet()) {
            U value = transformer.apply(entry.getKey(), entry.getValue());
            if (value != null) {
                result = result == null ? value : reducer.apply(result, value);
            }
        }
        return result;
    }

    public V reduceValues(long threshold, BiFunction<? super V, ? super V, ? extends V> reducer) {
        return reduce(threshold, (key, value) -> value, reducer);
    }

    public Enumeration<K> keys() {
        return Collections.enumeration(keySet());
    }

    public Enumeration<V> elements() {
        return Collections.enumeration(values());
    }

    private static final class Nodes<K, V> implements Iterator<Map.Entry<K, V>> {
        private final TConcurrentHashMap<K, V> map;
        private final Node<K, V>[] nodes;
        private int at;
        private Node<K, V> next;
        private K last;

        Nodes(TConcurrentHashMap<K, V> map) {
            this.map = map;
            nodes = map.table;
            advance();
        }

        private void advance() {
            while (next == null && at < nodes.length) {
                next = nodes[at++];
            }
        }

        @Override
        public boolean hasNext() {
            return next != null;
        }

        @Override
        public Node<K, V> next() {
            Node<K, V> node = next;
            if (node == null) {
                throw new NoSuchElementException();
            }
            last = node.key;
            next = node.next;
            advance();
            return node;
        }

        @Override
        public void remove() {
            if (last == null) {
                throw new IllegalStateException();
            }
            map.remove(last);
            last = null;
        }
    }

    @Override
    public Set<Map.Entry<K, V>> entrySet() {
        TConcurrentHashMap<K, V> map = this;
        return new AbstractSet<>() {
            @Override
            public int size() {
                return map.size;
            }

            @Override
            public Iterator<Map.Entry<K, V>> iterator() {
                return new Nodes<>(map);
            }
        };
    }

    @Override
    public Collection<V> values() {
        TConcurrentHashMap<K, V> map = this;
        return new AbstractCollection<>() {
            @Override
            public int size() {
                return map.size;
            }

            @Override
            public Iterator<V> iterator() {
                Nodes<K, V> nodes = new Nodes<>(map);
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
        };
    }

    @Override
    public KeySetView<K, V> keySet() {
        return new KeySetView<>(this, null);
    }

    public KeySetView<K, V> keySet(V mappedValue) {
        return new KeySetView<>(this, Objects.requireNonNull(mappedValue));
    }

    public static <T> KeySetView<T, Boolean> newKeySet() {
        return new KeySetView<>(new TConcurrentHashMap<>(), Boolean.TRUE);
    }

    public static <T> KeySetView<T, Boolean> newKeySet(int initialCapacity) {
        return new KeySetView<>(new TConcurrentHashMap<>(initialCapacity), Boolean.TRUE);
    }

    /** The keys as a set. */
    public static final class KeySetView<K, V> extends AbstractSet<K> implements Serializable {
        private static final long serialVersionUID = 1L;

        private final TConcurrentHashMap<K, V> map;
        private final V value;

        KeySetView(TConcurrentHashMap<K, V> map, V value) {
            this.map = map;
            this.value = value;
        }

        public V getMappedValue() {
            return value;
        }

        @Override
        public boolean add(K key) {
            if (value == null) {
                throw new UnsupportedOperationException();
            }
            return map.putIfAbsent(key, value) == null;
        }

        @Override
        public boolean remove(Object key) {
            return map.remove(key) != null;
        }

        @Override
        public boolean contains(Object key) {
            return map.containsKey(key);
        }

        @Override
        public void clear() {
            map.clear();
        }

        @Override
        public int size() {
            return map.size;
        }

        @Override
        public Iterator<K> iterator() {
            Nodes<K, V> nodes = new Nodes<>(map);
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
}
