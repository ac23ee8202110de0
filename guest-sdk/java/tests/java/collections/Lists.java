package collections;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.ConcurrentModificationException;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedList;
import java.util.List;
import java.util.ListIterator;
import java.util.PriorityQueue;
import java.util.Stack;
import java.util.Vector;
import millrace.tests.Cases;

public final class Lists extends Cases {
    @Override
    protected void cases() {
        check("ArrayList", () -> {
            List<Integer> list = new ArrayList<>(List.of(3, 1, 2));
            list.add(1, 9);
            list.remove(Integer.valueOf(3));
            list.remove(0);
            list.set(0, 5);
            list.addAll(1, List.of(7, 8));
            return list + " " + list.indexOf(8) + list.contains(2) + list.size();
        });
        check("sort", () -> {
            List<String> list = new ArrayList<>(List.of("pear", "fig", "apple"));
            list.sort(Comparator.comparing(String::length).thenComparing(Comparator.reverseOrder()));
            return list;
        });
        check("sort is stable", () -> {
            List<int[]> list = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                list.add(new int[] {i % 7, i});
            }
            list.sort(Comparator.comparingInt(a -> a[0]));
            StringBuilder order = new StringBuilder();
            list.forEach(a -> order.append(a[1]).append(','));
            return order;
        });
        check("removeIf and replaceAll", () -> {
            List<Integer> list = new ArrayList<>(List.of(1, 2, 3, 4, 5));
            list.removeIf(x -> x % 2 == 0);
            list.replaceAll(x -> x * 10);
            return list;
        });
        check("subList", () -> {
            List<Integer> list = new ArrayList<>(List.of(1, 2, 3, 4, 5));
            list.subList(1, 3).clear();
            return list + "" + list.subList(1, 3);
        });
        check("ListIterator", () -> {
            List<String> list = new ArrayList<>(List.of("a", "b", "c"));
            ListIterator<String> it = list.listIterator(list.size());
            while (it.hasPrevious()) {
                String value = it.previous();
                if (value.equals("b")) {
                    it.set("B");
                    it.add("x");
                }
            }
            return list;
        });
        check("Iterator remove", () -> {
            List<Integer> list = new LinkedList<>(List.of(1, 2, 3, 4));
            for (Iterator<Integer> it = list.iterator(); it.hasNext();) {
                if (it.next() % 2 == 0) {
                    it.remove();
                }
            }
            return list;
        });
        check("concurrent modification", () -> {
            List<Integer> list = new ArrayList<>(List.of(1, 2, 3));
            try {
                for (Integer value : list) {
                    list.add(value);
                }
                return "nothing";
            } catch (ConcurrentModificationException e) {
                return "noticed";
            }
        });
        check("unmodifiable", () -> {
            int refused = 0;
            for (Collection<Integer> c : List.of(List.of(1), Collections.unmodifiableList(new ArrayList<>(List.of(1))), List.copyOf(Arrays.asList(1, 2)))) {
                try {
                    c.add(1);
                } catch (UnsupportedOperationException e) {
                    refused++;
                }
            }
            return refused;
        });
        check("List.of refuses null", () -> {
            try {
                return List.of(1, null);
            } catch (NullPointerException e) {
                return "refused";
            }
        });
        check("index out of bounds", () -> {
            try {
                return new ArrayList<>(List.of(1)).get(3);
            } catch (IndexOutOfBoundsException e) {
                return "out of bounds";
            }
        });
        check("equals and hashCode", () -> List.of(1, 2).equals(new ArrayList<>(Arrays.asList(1, 2))) + " " + List.of("a", "b").hashCode());
        check("toArray", () -> Arrays.toString(List.of("a", "b").toArray(new String[0])) + Arrays.toString(List.of(1).toArray(Integer[]::new)));
        check("Collections", () -> {
            List<Integer> list = new ArrayList<>(List.of(5, 3, 8, 1));
            Collections.sort(list);
            String text = list + " " + Collections.binarySearch(list, 5) + Collections.max(list) + Collections.min(list);
            Collections.reverse(list);
            Collections.swap(list, 0, 3);
            Collections.rotate(list, 1);
            return text + list + Collections.frequency(list, 3) + Collections.nCopies(2, "x") + Collections.disjoint(list, List.of(9)) + Collections.emptyList();
        });
        check("Collections shuffle", () -> {
            List<Integer> list = new ArrayList<>(List.of(1, 2, 3, 4, 5, 6, 7, 8));
            Collections.shuffle(list, new java.util.Random(42));
            return list;
        });
        check("LinkedList", () -> {
            LinkedList<Integer> list = new LinkedList<>(List.of(1, 2, 3));
            list.addFirst(0);
            list.addLast(9);
            list.removeFirstOccurrence(2);
            return list + "" + list.getFirst() + list.pollLast() + list.peek() + list.descendingIterator().next();
        });
        check("ArrayDeque", () -> {
            Deque<String> deque = new ArrayDeque<>();
            deque.push("a");
            deque.offerLast("b");
            deque.addFirst("c");
            return deque + deque.pop() + deque.peekLast() + deque.pollFirst() + deque.size();
        });
        check("PriorityQueue", () -> {
            PriorityQueue<Integer> queue = new PriorityQueue<>(Comparator.reverseOrder());
            queue.addAll(List.of(3, 9, 4, 1));
            StringBuilder order = new StringBuilder();
            while (!queue.isEmpty()) {
                order.append(queue.poll());
            }
            return order;
        });
        check("Stack and Vector", () -> {
            Stack<Integer> stack = new Stack<>();
            stack.push(1);
            stack.push(2);
            return stack.peek() + stack.pop() + stack.search(1) + " " + new Vector<>(List.of(1, 2)).elementAt(1);
        });
        check("Arrays", () -> {
            int[] values = {5, 2, 9, 1};
            Arrays.sort(values, 1, 4);
            return Arrays.toString(values) + Arrays.stream(values).sum() + Arrays.equals(values, values.clone()) + Arrays.hashCode(values)
                + Arrays.toString(Arrays.copyOfRange(values, 2, 6)) + Arrays.asList(1, 2) + Arrays.binarySearch(new int[] {1, 3, 5}, 4);
        });
        check("Arrays of objects", () -> {
            String[] words = {"bb", "a", "ccc"};
            Arrays.sort(words, Comparator.comparing(String::length).reversed());
            String[][] nested = {{"a"}, {"b", null}};
            return Arrays.toString(words) + Arrays.deepToString(nested) + Arrays.deepHashCode(nested) + Arrays.deepEquals(nested, new String[][] {{"a"}, {"b", null}});
        });
        check("Arrays fill and setAll", () -> {
            double[] values = new double[3];
            Arrays.fill(values, 1.5);
            long[] squares = new long[4];
            Arrays.setAll(squares, i -> (long) i * i);
            return Arrays.toString(values) + Arrays.toString(squares) + Arrays.mismatch(new int[] {1, 2}, new int[] {1, 3}) + Arrays.compare(new int[] {1}, new int[] {2});
        });
        check("long and double arrays", () -> {
            long[][] grid = new long[3][4];
            double[] sums = new double[3];
            for (int i = 0; i < 3; i++) {
                for (int j = 0; j < 4; j++) {
                    grid[i][j] = (long) i << (j * 16);
                    sums[i] += grid[i][j] / 3.0;
                }
            }
            return Arrays.deepToString(grid) + Arrays.toString(sums);
        });
        check("BitSet", () -> {
            BitSet bits = new BitSet();
            bits.set(1);
            bits.set(5, 8);
            bits.flip(6);
            BitSet other = new BitSet();
            other.set(5);
            other.set(100);
            bits.or(other);
            return bits + " " + bits.cardinality() + bits.nextClearBit(5) + bits.length() + bits.get(7) + bits.intersects(other) + bits.nextSetBit(8);
        });
        check("BitSet to longs", () -> BitSet.valueOf(new long[] {5}) + Arrays.toString(BitSet.valueOf(new byte[] {3}).toLongArray()) + BitSet.valueOf(new long[] {7}).stream().sum());
        check("own Iterable", () -> {
            Iterable<Integer> countdown = () -> new Iterator<>() {
                private int next = 3;

                @Override
                public boolean hasNext() {
                    return next > 0;
                }

                @Override
                public Integer next() {
                    return next--;
                }
            };
            StringBuilder text = new StringBuilder();
            for (int value : countdown) {
                text.append(value);
            }
            countdown.forEach(text::append);
            return text;
        });
        check("reversed and natural orders", () -> {
            List<Integer> list = Arrays.asList(2, null, 1);
            list.sort(Comparator.nullsLast(Comparator.naturalOrder()));
            return list;
        });
    }
}
