package millrace.classlib;

import java.util.AbstractQueue;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NavigableMap;
import java.util.Queue;
import java.util.Random;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Collections. There is one thread, so nothing has to be synchronized. */
@Adds(to = Collections.class)
final class CollectionWrappers {
    private CollectionWrappers() {}

    @Static
    public static <K, V> SortedMap<K, V> synchronizedSortedMap(SortedMap<K, V> map) {
        return map;
    }

    @Static
    public static <K, V> NavigableMap<K, V> synchronizedNavigableMap(NavigableMap<K, V> map) {
        return map;
    }

    @Static
    public static <T> SortedSet<T> synchronizedSortedSet(SortedSet<T> set) {
        return set;
    }

    public static <K, V> SortedMap<K, V> emptySortedMap() {
        return new TreeMap<>();
    }

    public static <T> SortedSet<T> emptySortedSet() {
        return new TreeSet<>();
    }

    @Static
    public static <T> Queue<T> asLifoQueue(Deque<T> deque) {
        return new AbstractQueue<>() {
            @Override
            public boolean offer(T value) {
                return deque.offerFirst(value);
            }

            @Override
            public T poll() {
                return deque.pollFirst();
            }

            @Override
            public T peek() {
                return deque.peekFirst();
            }

            @Override
            public Iterator<T> iterator() {
                return deque.iterator();
            }

            @Override
            public int size() {
                return deque.size();
            }
        };
    }

    @Replaces
    public static void shuffle(List<?> list, Random random) {
        for (int i = list.size(); i > 1; i--) {
            Collections.swap(list, i - 1, random.nextInt(i));
        }
    }
}
