package collections;

import java.util.AbstractMap;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Hashtable;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.WeakHashMap;
import millrace.tests.Cases;

public final class Maps extends Cases {
    enum Color { RED, GREEN, BLUE }

    @Override
    protected void cases() {
        check("HashMap", () -> {
            Map<String, Integer> map = new HashMap<>();
            map.put("a", 1);
            map.put("b", 2);
            map.put(null, 0);
            map.putIfAbsent("a", 9);
            map.remove("b", 3);
            return map.get("a") + " " + map.get(null) + map.getOrDefault("z", 7) + map.containsValue(2) + map.size() + map.hashCode();
        });
        check("iteration order of HashMap", () -> {
            Map<String, Integer> map = new HashMap<>();
            for (String word : "the quick brown fox jumps over the lazy dog again and again".split(" ")) {
                map.merge(word, 1, Integer::sum);
            }
            return map;
        });
        check("iteration order of HashMap with many keys", () -> {
            Map<Integer, Integer> map = new HashMap<>();
            for (int i = 0; i < 100; i++) {
                map.put(i * 7919, i);
            }
            return map.keySet();
        });
        check("iteration order of HashSet", () -> new HashSet<>(List.of("zeta", "alpha", "beta", "gamma", "omega")));
        check("compute", () -> {
            Map<String, Integer> map = new TreeMap<>();
            map.merge("a", 1, Integer::sum);
            map.merge("a", 1, Integer::sum);
            map.computeIfAbsent("b", k -> 7);
            map.computeIfPresent("b", (k, v) -> v + 1);
            map.compute("c", (k, v) -> v == null ? 1 : v + 1);
            map.merge("a", 0, (x, y) -> null);
            return map;
        });
        check("entries", () -> {
            Map<String, Integer> map = new TreeMap<>(Map.of("x", 1, "y", 2));
            StringBuilder text = new StringBuilder();
            for (Map.Entry<String, Integer> entry : map.entrySet()) {
                entry.setValue(entry.getValue() * 10);
                text.append(entry);
            }
            map.replaceAll((k, v) -> v + 1);
            map.forEach((k, v) -> text.append(k).append(v));
            return text + "" + Map.entry("k", 1) + new AbstractMap.SimpleEntry<>("a", 2);
        });
        check("views", () -> {
            Map<String, Integer> map = new TreeMap<>(Map.of("a", 1, "b", 2, "c", 3));
            map.keySet().remove("a");
            map.values().removeIf(v -> v == 3);
            return map + "" + map.keySet() + map.values();
        });
        check("LinkedHashMap", () -> {
            Map<String, Integer> lru = new LinkedHashMap<>(16, 0.75f, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Integer> eldest) {
                    return size() > 2;
                }
            };
            lru.put("a", 1);
            lru.put("b", 2);
            lru.get("a");
            lru.put("c", 3);
            return lru;
        });
        check("TreeMap", () -> {
            TreeMap<Integer, String> map = new TreeMap<>();
            for (int i = 0; i < 10; i++) {
                map.put(i * 10, "v" + i);
            }
            return map.floorKey(35) + " " + map.ceilingEntry(35) + map.headMap(20) + map.tailMap(80, false) + map.firstEntry() + map.pollLastEntry()
                + map.descendingMap().firstKey() + map.subMap(20, true, 40, true) + map.higherKey(90) + map.lowerKey(10);
        });
        check("TreeMap by comparator", () -> {
            TreeMap<String, Integer> map = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
            map.put("b", 1);
            map.put("A", 2);
            map.put("B", 3);
            return map + "" + map.lastKey();
        });
        check("TreeSet", () -> {
            TreeSet<Integer> set = new TreeSet<>(List.of(5, 1, 9, 3));
            return set + "" + set.first() + set.higher(5) + set.headSet(5, true) + set.descendingSet() + set.pollFirst() + set.floor(4);
        });
        check("LinkedHashSet", () -> {
            Set<String> set = new LinkedHashSet<>(List.of("b", "a", "c"));
            set.retainAll(Set.of("a", "b"));
            return set + "" + set.add("a") + set.add("d") + set;
        });
        check("set algebra", () -> {
            Set<Integer> a = new TreeSet<>(List.of(1, 2, 3, 4));
            Set<Integer> b = Set.of(3, 4, 5);
            Set<Integer> union = new TreeSet<>(a);
            union.addAll(b);
            a.removeAll(b);
            return union + "" + a + a.containsAll(List.of(1, 2)) + a.equals(Set.of(2, 1));
        });
        check("Map.of", () -> new TreeMap<>(Map.of("a", 1, "b", 2)) + "" + new TreeMap<>(Map.ofEntries(Map.entry("x", 9))) + Map.copyOf(Map.of(1, 2)));
        check("EnumMap and EnumSet", () -> {
            EnumMap<Color, Integer> map = new EnumMap<>(Color.class);
            map.put(Color.BLUE, 1);
            map.put(Color.RED, 2);
            return map + "" + EnumSet.of(Color.BLUE, Color.RED) + EnumSet.complementOf(EnumSet.of(Color.RED)) + EnumSet.allOf(Color.class) + EnumSet.range(Color.RED, Color.GREEN);
        });
        check("IdentityHashMap", () -> {
            Map<String, Integer> map = new IdentityHashMap<>();
            map.put(new String("a"), 1);
            map.put(new String("a"), 2);
            return map.size();
        });
        check("Hashtable and Properties", () -> {
            Properties properties = new Properties();
            properties.setProperty("a", "1");
            Hashtable<String, Integer> table = new Hashtable<>();
            table.put("x", 1);
            return properties.getProperty("a") + properties.getProperty("b", "none") + table;
        });
        check("Properties load", () -> {
            Properties properties = new Properties();
            properties.load(new java.io.StringReader("# comment\na = 1\nb:two\\\n  lines\n"));
            return new TreeMap<>(properties);
        });
        check("WeakHashMap", () -> {
            Map<String, Integer> map = new WeakHashMap<>();
            map.put("k", 1);
            return map.get("k");
        });
        check("Collections wrappers", () -> Collections.singletonMap("a", 1) + "" + Collections.synchronizedMap(new TreeMap<>(Map.of(1, 2)))
            + Collections.unmodifiableMap(new TreeMap<>(Map.of(3, 4))) + Collections.newSetFromMap(new HashMap<Integer, Boolean>()));
        check("Objects", () -> Objects.hash(1, "a", null) + " " + Objects.equals(null, null) + Objects.requireNonNullElse(null, "x") + Objects.toString(null, "none")
            + Objects.hashCode(null) + Objects.isNull(1) + Objects.compare(1, 2, Integer::compare) + Objects.checkIndex(1, 2));
        check("keys that collide", () -> {
            Map<String, Integer> map = new HashMap<>();
            for (String a : List.of("Aa", "BB")) {
                for (String b : List.of("Aa", "BB")) {
                    for (String c : List.of("Aa", "BB")) {
                        for (String d : List.of("Aa", "BB")) {
                            map.put(a + b + c + d, map.size());
                        }
                    }
                }
            }
            return map.size() + " " + map.get("BBAaBBAa") + map.get("AaAaAaAa");
        });
    }
}
