package org.teavm.classlib.java.util.concurrent;

import java.util.NavigableMap;
import java.util.concurrent.ConcurrentMap;

/** {@code java.util.concurrent.ConcurrentNavigableMap}. */
public interface TConcurrentNavigableMap<K, V> extends ConcurrentMap<K, V>, NavigableMap<K, V> {}
