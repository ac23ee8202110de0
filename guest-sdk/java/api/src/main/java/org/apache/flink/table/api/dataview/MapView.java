package org.apache.flink.table.api.dataview;

import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;

/** A map in an accumulator. */
public class MapView<K, V> implements DataView {
    private static final long serialVersionUID = 1L;

    private Map<K, V> map = new HashMap<>();

    /** The map itself. */
    public Map<K, V> getMap() {
        return map;
    }

    /** Replaces the map. */
    public void setMap(Map<K, V> map) {
        this.map = map;
    }

    /** The value of a key; null if there is none. */
    public V get(K key) throws Exception {
        return map.get(key);
    }

    /** Sets the value of a key. */
    public void put(K key, V value) throws Exception {
        map.put(key, value);
    }

    /** Sets the values of all keys of another map. */
    public void putAll(Map<K, V> other) throws Exception {
        map.putAll(other);
    }

    /** Removes a key. */
    public void remove(K key) throws Exception {
        map.remove(key);
    }

    /** Whether there is such a key. */
    public boolean contains(K key) throws Exception {
        return map.containsKey(key);
    }

    /** Keys and values. */
    public Iterable<Map.Entry<K, V>> entries() throws Exception {
        return map.entrySet();
    }

    /** Keys. */
    public Iterable<K> keys() throws Exception {
        return map.keySet();
    }

    /** Values. */
    public Iterable<V> values() throws Exception {
        return map.values();
    }

    /** Keys and values. */
    public Iterator<Map.Entry<K, V>> iterator() throws Exception {
        return map.entrySet().iterator();
    }

    /** Whether there is none. */
    public boolean isEmpty() throws Exception {
        return map.isEmpty();
    }

    @Override
    public void clear() {
        map.clear();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MapView && map.equals(((MapView<?, ?>) other).map);
    }

    @Override
    public int hashCode() {
        return map.hashCode();
    }
}
