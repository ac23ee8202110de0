package org.teavm.classlib.java.util.concurrent;

import java.io.Serializable;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Comparator;
import java.util.Iterator;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/**
 * {@code java.util.concurrent.ConcurrentSkipListMap}: a tree, whose iterators go on after changes. Views of parts of it are
 * those of the tree.
 */
public class TConcurrentSkipListMap<K, V> extends AbstractMap<K, V> implements TConcurrentNavigableMap<K, V>, Serializable {
    private static final long serialVersionUID = 1L;

    private final TreeMap<K, V> tree;

    public TConcurrentSkipListMap() {
        tree = new TreeMap<>();
    }

    public TConcurrentSkipListMap(Comparator<? super K> comparator) {
        tree = new TreeMap<>(comparator);
    }

    public TConcurrentSkipListMap(Map<? extends K, ? extends V> map) {
        tree = new TreeMap<>(map);
    }

    @Override
    public Set<Entry<K, V>> entrySet() {
        return new AbstractSet<>() {
            @Override
            public int size() {
                return tree.size();
            }

            @Override
            public Iterator<Entry<K, V>> iterator() {
                return new Iterator<>() {
                    private Entry<K, V> next = tree.firstEntry();
                    private K last;

                    @Override
                    public boolean hasNext() {
                        return next != null;
                    }

                    @Override
                    public Entry<K, V> next() {
                        Entry<K, V> entry = next;
                        if (entry == null) {
                            throw new NoSuchElementException();
                        }
                        last = entry.getKey();
                        next = tree.higherEntry(last);
                        return entry;
                    }

                    @Override
                    public void remove() {
                        tree.remove(last);
                    }
                };
            }
        };
    }

    @Override
    public V get(Object key) {
        return tree.get(key);
    }

    @Override
    public boolean containsKey(Object key) {
        return tree.containsKey(key);
    }

    @Override
    public V put(K key, V value) {
        return tree.put(key, Objects.requireNonNull(value));
    }

    @Override
    public V remove(Object key) {
        return tree.remove(key);
    }

    @Override
    public int size() {
        return tree.size();
    }

    @Override
    public void clear() {
        tree.clear();
    }

    @Override
    public V putIfAbsent(K key, V value) {
        V old = tree.get(key);
        if (old == null) {
            put(key, value);
        }
        return old;
    }

    @Override
    public boolean remove(Object key, Object value) {
        boolean same = tree.containsKey(key) && Objects.equals(tree.get(key), value);
        if (same) {
            tree.remove(key);
        }
        return same;
    }

    @Override
    public boolean replace(K key, V oldValue, V newValue) {
        boolean same = tree.containsKey(key) && Objects.equals(tree.get(key), oldValue);
        if (same) {
            put(key, newValue);
        }
        return same;
    }

    @Override
    public V replace(K key, V value) {
        return tree.containsKey(key) ? put(key, value) : null;
    }

    @Override
    public V getOrDefault(Object key, V otherwise) {
        V value = tree.get(key);
        return value == null ? otherwise : value;
    }

    @Override
    public void forEach(BiConsumer<? super K, ? super V> action) {
        for (Entry<K, V> entry : entrySet()) {
            action.accept(entry.getKey(), entry.getValue());
        }
    }

    @Override
    public Comparator<? super K> comparator() {
        return tree.comparator();
    }

    @Override
    public K firstKey() {
        return tree.firstKey();
    }

    @Override
    public K lastKey() {
        return tree.lastKey();
    }

    @Override
    public Entry<K, V> lowerEntry(K key) {
        return tree.lowerEntry(key);
    }

    @Override
    public K lowerKey(K key) {
        return tree.lowerKey(key);
    }

    @Override
    public Entry<K, V> floorEntry(K key) {
        return tree.floorEntry(key);
    }

    @Override
    public K floorKey(K key) {
        return tree.floorKey(key);
    }

    @Override
    public Entry<K, V> ceilingEntry(K key) {
        return tree.ceilingEntry(key);
    }

    @Override
    public K ceilingKey(K key) {
        return tree.ceilingKey(key);
    }

    @Override
    public Entry<K, V> higherEntry(K key) {
        return tree.higherEntry(key);
    }

    @Override
    public K higherKey(K key) {
        return tree.higherKey(key);
    }

    @Override
    public Entry<K, V> firstEntry() {
        return tree.firstEntry();
    }

    @Override
    public Entry<K, V> lastEntry() {
        return tree.lastEntry();
    }

    @Override
    public Entry<K, V> pollFirstEntry() {
        return tree.pollFirstEntry();
    }

    @Override
    public Entry<K, V> pollLastEntry() {
        return tree.pollLastEntry();
    }

    @Override
    public NavigableMap<K, V> descendingMap() {
        return tree.descendingMap();
    }

    @Override
    public NavigableSet<K> navigableKeySet() {
        return tree.navigableKeySet();
    }

    @Override
    public NavigableSet<K> descendingKeySet() {
        return tree.descendingKeySet();
    }

    @Override
    public NavigableMap<K, V> subMap(K from, boolean fromInclusive, K to, boolean toInclusive) {
        return tree.subMap(from, fromInclusive, to, toInclusive);
    }

    @Override
    public NavigableMap<K, V> headMap(K to, boolean inclusive) {
        return tree.headMap(to, inclusive);
    }

    @Override
    public NavigableMap<K, V> tailMap(K from, boolean inclusive) {
        return tree.tailMap(from, inclusive);
    }

    @Override
    public SortedMap<K, V> subMap(K from, K to) {
        return tree.subMap(from, to);
    }

    @Override
    public SortedMap<K, V> headMap(K to) {
        return tree.headMap(to);
    }

    @Override
    public SortedMap<K, V> tailMap(K from) {
        return tree.tailMap(from);
    }
}
