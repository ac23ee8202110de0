package language;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.IntBinaryOperator;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import millrace.tests.Cases;

public final class Language extends Cases {
    sealed interface Shape permits Circle, Square, Rectangle {
        double area();

        default String describe() {
            return getClass().getSimpleName() + " " + area();
        }
    }

    record Circle(double radius) implements Shape {
        @Override
        public double area() {
            return 3 * radius * radius;
        }
    }

    record Square(double side) implements Shape {
        @Override
        public double area() {
            return side * side;
        }
    }

    record Rectangle(double width, double height) implements Shape {
        Rectangle {
            if (width < 0 || height < 0) {
                throw new IllegalArgumentException("negative");
            }
        }

        static Rectangle of(double both) {
            return new Rectangle(both, both);
        }

        @Override
        public double area() {
            return width * height;
        }
    }

    record Generic<T extends Comparable<T>>(T value, List<T> more, int[] array, float f, char c, byte b) {}

    enum Operation implements IntBinaryOperator {
        PLUS("+") {
            @Override
            public int applyAsInt(int a, int b) {
                return a + b;
            }
        },
        TIMES("*") {
            @Override
            public int applyAsInt(int a, int b) {
                return a * b;
            }
        };

        final String symbol;

        Operation(String symbol) {
            this.symbol = symbol;
        }
    }

    abstract static class Animal {
        private static int made;
        final String name;

        Animal(String name) {
            this.name = name;
            made++;
            init();
        }

        void init() {}

        abstract String sound();

        @Override
        public String toString() {
            return name + " says " + sound();
        }
    }

    static class Dog extends Animal {
        private final StringBuilder steps = new StringBuilder("f");

        {
            steps.append("i");
        }

        Dog() {
            super("dog");
            steps.append("c");
        }

        @Override
        String sound() {
            return "woof" + steps;
        }
    }

    static class Resource implements AutoCloseable {
        private final List<String> log;
        private final String name;

        Resource(List<String> log, String name) {
            this.log = log;
            this.name = name;
            log.add("open " + name);
        }

        @Override
        public void close() {
            log.add("close " + name);
            throw new IllegalStateException("closing " + name);
        }
    }

    static class AppException extends Exception {
        private static final long serialVersionUID = 1L;
        final int code;

        AppException(String message, int code, Throwable cause) {
            super(message, cause);
            this.code = code;
        }
    }

    class Inner {
        int outerPlus(int x) {
            return base + x;
        }
    }

    private final int base = 40;

    private static <T extends Comparable<? super T>> T largest(Iterable<? extends T> values) {
        T best = null;
        for (T value : values) {
            if (best == null || value.compareTo(best) > 0) {
                best = value;
            }
        }
        return best;
    }

    private static int sum(int... values) {
        int total = 0;
        for (int value : values) {
            total += value;
        }
        return total;
    }

    private static String kind(Object o) {
        if (o instanceof Circle c && c.radius() > 1) {
            return "large circle";
        } else if (o instanceof String s) {
            return "text of " + s.length();
        } else if (!(o instanceof Integer i)) {
            return "other";
        } else {
            return "number " + (i + 1);
        }
    }

    private static int depth(int n) {
        return n == 0 ? 0 : 1 + depth(n - 1);
    }

    private static int finallyOrder(StringBuilder text) {
        try {
            text.append("try ");
            return Integer.parseInt("x");
        } catch (NumberFormatException e) {
            text.append("catch ");
            return 1;
        } finally {
            text.append("finally ");
        }
    }

    @Override
    protected void cases() {
        check("records", () -> new Circle(2) + " " + new Circle(2).equals(new Circle(2.0)) + (new Rectangle(1, 2).hashCode() == Rectangle.of(1).hashCode()) + Rectangle.of(3).area());
        check("record of many types", () -> {
            Generic<String> g = new Generic<>("a", List.of("b"), null, 1.5f, 'x', (byte) 7);
            return g + " " + g.equals(new Generic<>("a", List.of("b"), null, 1.5f, 'x', (byte) 7));
        });
        check("compact constructor", () -> {
            try {
                return new Rectangle(-1, 2);
            } catch (IllegalArgumentException e) {
                return e.getMessage();
            }
        });
        check("sealed interface and default method", () -> {
            StringBuilder text = new StringBuilder();
            for (Shape shape : List.of(new Circle(1), new Square(2), new Rectangle(1, 3))) {
                text.append(shape.describe()).append(';');
            }
            return text;
        });
        check("instanceof patterns", () -> kind(new Circle(2)) + kind("abc") + kind(4) + kind(null) + kind(2.0));
        check("switch expression", () -> {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 5; i++) {
                text.append(switch (i) {
                    case 0 -> "zero";
                    case 1, 2 -> {
                        int doubled = i * 2;
                        yield "d" + doubled;
                    }
                    default -> "many";
                });
            }
            return text;
        });
        check("switch on text", () -> {
            StringBuilder text = new StringBuilder();
            for (String s : new String[] {"Aa", "BB", "c"}) {
                switch (s) {
                    case "Aa":
                        text.append(1);
                    case "BB":
                        text.append(2);
                        break;
                    default:
                        text.append(3);
                }
            }
            return text;
        });
        check("enums", () -> {
            StringBuilder text = new StringBuilder();
            for (Operation op : Operation.values()) {
                text.append(op).append(op.symbol).append(op.applyAsInt(3, 4)).append(op.ordinal()).append(op.getDeclaringClass().getSimpleName());
            }
            return text + "" + Operation.valueOf("PLUS").compareTo(Operation.TIMES) + switchOf(Operation.TIMES);
        });
        check("enum of an unknown name", () -> {
            try {
                return Operation.valueOf("MINUS");
            } catch (IllegalArgumentException e) {
                return "no such constant";
            }
        });
        check("order of initialization", () -> new Dog() + " " + (Animal.made > 0));
        check("inner and anonymous classes", () -> {
            Inner inner = this.new Inner();
            int local = 2;
            Supplier<Integer> supplier = new Supplier<>() {
                private int calls;

                @Override
                public Integer get() {
                    return inner.outerPlus(local) + ++calls;
                }
            };
            return supplier.get() + supplier.get();
        });
        check("lambdas", () -> {
            Function<Integer, Integer> twice = x -> x * 2;
            UnaryOperator<Integer> next = x -> x + 1;
            Predicate<Integer> even = x -> x % 2 == 0;
            BiFunction<Integer, Integer, String> text = (a, b) -> a + ":" + b;
            BinaryOperator<Integer> larger = BinaryOperator.maxBy(Comparator.naturalOrder());
            return twice.andThen(next).apply(3) + twice.compose(next).apply(3) + text.andThen(String::length).apply(1, 2) + " " + even.negate().or(x -> x > 10).test(4) + larger.apply(1, 9) + Function.<Integer>identity().apply(5) + Predicate.not(even).test(3);
        });
        check("method references", () -> {
            Function<String, Integer> length = String::length;
            Supplier<List<String>> make = ArrayList::new;
            Function<Integer, int[]> array = int[]::new;
            List<String> list = make.get();
            list.add("abc");
            return length.apply("four") + list.get(0) + array.apply(3).length;
        });
        check("closures and recursion", () -> {
            Map<Integer, Long> memo = new HashMap<>();
            Function<Integer, Long>[] fib = newFunctions();
            fib[0] = n -> {
                if (n < 2) {
                    return (long) n;
                }
                Long known = memo.get(n);
                if (known == null) {
                    known = fib[0].apply(n - 1) + fib[0].apply(n - 2);
                    memo.put(n, known);
                }
                return known;
            };
            return fib[0].apply(60);
        });
        check("generics and bounds", () -> largest(List.of(3, 9, 4)) + largest(List.of("b", "z", "a")));
        check("variable arguments", () -> sum() + sum(1) + sum(1, 2, 3) + String.format("%s%s", "a", 1));
        check("labels", () -> {
            int found = -1;
            outer:
            for (int i = 2; i < 50; i++) {
                for (int j = 2; j < i; j++) {
                    if (i % j == 0) {
                        continue outer;
                    }
                }
                if (i > 30) {
                    found = i;
                    break outer;
                }
            }
            return found;
        });
        check("order of evaluation", () -> {
            int i = 1;
            int[] a = {0, 0, 0};
            a[i] = i = 2;
            i = i++ + ++i;
            return a[1] + " " + i + (i += 3.7);
        });
        check("strings and nulls", () -> {
            String nothing = null;
            Object o = 'c';
            return "a" + nothing + o + 1 + 2L + 1.0f + (char) 66 + new int[0].length;
        });
        check("finally", () -> {
            StringBuilder text = new StringBuilder();
            return finallyOrder(text) + text.toString();
        });
        check("try with resources", () -> {
            List<String> log = new ArrayList<>();
            try (Resource a = new Resource(log, "a"); Resource b = new Resource(log, "b")) {
                log.add("body");
                throw new RuntimeException("body failed");
            } catch (RuntimeException e) {
                log.add(e.getMessage());
                for (Throwable suppressed : e.getSuppressed()) {
                    log.add(suppressed.getMessage());
                }
            }
            return log;
        });
        check("own exceptions", () -> {
            try {
                try {
                    throw new IllegalStateException("inner");
                } catch (IllegalStateException e) {
                    throw new AppException("outer", 7, e);
                }
            } catch (AppException e) {
                return e.getMessage() + e.code + e.getCause().getMessage() + e + e.getCause().getClass().getName();
            }
        });
        check("multi catch", () -> {
            int caught = 0;
            for (Object o : new Object[] {"x", null, 1}) {
                try {
                    caught += ((String) o).length() * 10;
                } catch (NullPointerException | ClassCastException e) {
                    caught += e instanceof NullPointerException ? 1 : 100;
                }
            }
            return caught;
        });
        check("uncaught causes", () -> {
            Throwable t = new RuntimeException(new IllegalArgumentException("why"));
            return t.getMessage() + " " + t.getCause().getMessage() + new Error("e").getLocalizedMessage();
        });
        check("deep recursion that ends", () -> depth(2000));
        check("instanceof and casts of arrays", () -> {
            Object o = new Integer[] {1, 2};
            Object n = new int[][] {{1}};
            return (o instanceof Object[]) + " " + (o instanceof Number[]) + (n instanceof int[][]) + (n instanceof Object[]) + o.getClass().getSimpleName() + n.getClass().getName();
        });
        check("names of classes", () -> getClass().getName() + " " + new Circle(1).getClass().getSimpleName() + " " + String.class.getName() + int[].class.getName() + Map.Entry.class.getName());
        check("clone of primitive arrays", () -> {
            byte[] bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9};
            char[] chars = "characters".toCharArray();
            long[] longs = {1, 2, 3, Long.MAX_VALUE, Long.MIN_VALUE};
            double[] doubles = {0.5, 1.5, 2.5, Double.NaN};
            byte[] clone = bytes.clone();
            String text = Arrays.toString(clone) + new String(chars.clone()) + Arrays.toString(longs.clone())
                + Arrays.toString(doubles.clone()) + Arrays.toString(new short[] {1, -1}.clone())
                + Arrays.toString(new boolean[] {true, false}.clone()) + Arrays.toString(new float[] {1, 2}.clone());
            clone[0] = 7;
            return text + bytes[0];
        });
        check("clone of arrays", () -> {
            int[][] a = {{1}, {2}};
            int[][] b = a.clone();
            b[0] = new int[] {9};
            b[1][0] = 8;
            return a[0][0] + " " + a[1][0];
        });
        check("interfaces with private and static methods", () -> Greeter.create("x").greet());
        check("ternary and boxing", () -> {
            Integer nothing = null;
            Object o = true ? 1 : 2.0;
            try {
                int x = false ? 1 : nothing;
                return x;
            } catch (NullPointerException e) {
                return o;
            }
        });
        check("long loops", () -> {
            long a = 1;
            for (int i = 0; i < 100000; i++) {
                a = a * 6364136223846793005L + 1442695040888963407L;
            }
            return a;
        });
        check("linked structure", () -> {
            Node head = null;
            for (int i = 0; i < 10000; i++) {
                head = new Node(i, head);
            }
            long sum = 0;
            for (Node n = head; n != null; n = n.next) {
                sum += n.value;
            }
            return sum;
        });
        check("garbage", () -> {
            long total = 0;
            for (int i = 0; i < 20000; i++) {
                byte[] bytes = new byte[1000];
                bytes[i % 1000] = 1;
                List<long[]> keep = List.of(new long[] {i, i});
                total += bytes[i % 1000] + keep.get(0)[1];
            }
            return total;
        });
    }

    private static int switchOf(Operation op) {
        switch (op) {
            case PLUS:
                return 1;
            case TIMES:
                return 2;
            default:
                return 3;
        }
    }

    @SuppressWarnings("unchecked")
    private static Function<Integer, Long>[] newFunctions() {
        return (Function<Integer, Long>[]) new Function<?, ?>[1];
    }

    private static final class Node {
        final int value;
        final Node next;

        Node(int value, Node next) {
            this.value = value;
            this.next = next;
        }
    }

    interface Greeter {
        String name();

        static Greeter create(String name) {
            return () -> name;
        }

        private String decorate(String text) {
            return "<" + text + ">";
        }

        default String greet() {
            return decorate("hello " + name());
        }
    }
}
