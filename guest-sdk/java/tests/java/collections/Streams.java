package collections;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.IntSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import millrace.tests.Cases;

public final class Streams extends Cases {
    record Sale(String shop, String item, int amount) {}

    private static final List<Sale> SALES =
        List.of(new Sale("north", "tea", 5), new Sale("south", "tea", 7), new Sale("north", "cup", 2), new Sale("south", "pot", 11), new Sale("north", "tea", 1));

    @Override
    protected void cases() {
        check("filter, map, joining", () -> IntStream.range(0, 10).boxed().filter(x -> x % 2 == 1).map(x -> "n" + x).collect(Collectors.joining(",", "[", "]")));
        check("groupingBy and counting", () -> new TreeMap<>(Stream.of("aa", "b", "cc").collect(Collectors.groupingBy(String::length, Collectors.counting()))));
        check("groupingBy into a TreeMap", () -> SALES.stream().collect(Collectors.groupingBy(Sale::shop, TreeMap::new, Collectors.summingInt(Sale::amount))));
        check("groupingBy and mapping", () -> SALES.stream().collect(Collectors.groupingBy(Sale::shop, TreeMap::new, Collectors.mapping(Sale::item, Collectors.toCollection(TreeSet::new)))));
        check("partitioningBy", () -> SALES.stream().collect(Collectors.partitioningBy(s -> s.amount() > 4, Collectors.counting())));
        check("toMap", () -> SALES.stream().collect(Collectors.toMap(Sale::item, Sale::amount, Integer::sum, LinkedHashMap::new)));
        check("toMap refuses duplicates", () -> {
            try {
                return SALES.stream().collect(Collectors.toMap(Sale::item, Function.identity()));
            } catch (IllegalStateException e) {
                return "duplicate";
            }
        });
        check("averaging and summarizing", () -> {
            IntSummaryStatistics statistics = SALES.stream().collect(Collectors.summarizingInt(Sale::amount));
            return statistics + " " + SALES.stream().collect(Collectors.averagingDouble(Sale::amount));
        });
        check("reducing", () -> Stream.of(1, 2, 3, 4).reduce(0, Integer::sum) + " " + Stream.of(1, 2, 3).reduce((a, b) -> a * b).get() + Stream.of("a", "b").collect(Collectors.reducing("", (a, b) -> a + b)));
        check("flatMap", () -> Stream.of("a b", "c").flatMap(s -> Arrays.stream(s.split(" "))).collect(Collectors.toList()));
        check("sorted and distinct", () -> Stream.of(3, 1, 3, 2, 1).distinct().sorted(Comparator.reverseOrder()).collect(Collectors.toList()));
        check("limit and skip", () -> Stream.iterate(1, x -> x * 2).skip(3).limit(5).collect(Collectors.toList()));
        check("takeWhile and dropWhile", () -> Stream.of(1, 2, 5, 1).takeWhile(x -> x < 4).collect(Collectors.toList()) + "" + Stream.of(1, 2, 5, 1).dropWhile(x -> x < 4).toList());
        check("iterate with an end", () -> Stream.iterate(1, x -> x < 50, x -> x * 3).toList());
        check("anyMatch, allMatch, noneMatch", () -> Stream.of(1, 2).anyMatch(x -> x > 1) + " " + Stream.of(1, 2).allMatch(x -> x > 1) + Stream.<Integer>empty().noneMatch(x -> true));
        check("findFirst, max, min", () -> SALES.stream().max(Comparator.comparingInt(Sale::amount)).map(Sale::item).orElse("none") + Stream.of(5, 2).findFirst().get() + Stream.of("b", "a").min(String::compareTo).get());
        check("peek and count", () -> {
            List<Integer> seen = new ArrayList<>();
            long sum = Stream.of(1, 2, 3).peek(seen::add).mapToInt(x -> x).sum();
            return seen + " " + sum + Stream.of(1, 2).count();
        });
        check("IntStream", () -> IntStream.rangeClosed(1, 5).map(x -> x * x).sum() + " " + IntStream.of(3, 1, 2).max().getAsInt() + IntStream.range(0, 5).average().getAsDouble()
            + IntStream.iterate(1, x -> x + 2).limit(3).boxed().collect(Collectors.toList()) + Arrays.toString(IntStream.of(3, 1).sorted().toArray()));
        check("IntStream mapToObj", () -> IntStream.range(0, 3).mapToObj(i -> "x" + i).collect(Collectors.joining()) + IntStream.range(0, 4).asLongStream().sum() + IntStream.of(1, 2).mapToDouble(x -> x / 2.0).sum());
        check("LongStream", () -> LongStream.rangeClosed(1, 20).reduce(1, (a, b) -> a * b) + " " + LongStream.of(1, 2).summaryStatistics());
        check("DoubleStream", () -> DoubleStream.of(0.1, 0.2, 0.3).sum() + " " + DoubleStream.of(1, 2).average().getAsDouble() + DoubleStream.of(1.5, 2.5).map(x -> x * 2).boxed().toList());
        check("generate", () -> Stream.generate(() -> "z").limit(3).collect(Collectors.joining()));
        check("concat and builder", () -> Stream.concat(Stream.of(1), Stream.<Integer>builder().add(2).add(3).build()).toList());
        check("teeing", () -> Stream.of(1, 2, 3, 4).collect(Collectors.teeing(Collectors.counting(), Collectors.summingInt(x -> x), (n, sum) -> sum + "/" + n)));
        check("filtering and flatMapping", () -> SALES.stream().collect(Collectors.groupingBy(Sale::shop, TreeMap::new, Collectors.filtering(s -> s.amount() > 4, Collectors.counting())))
            + "" + Stream.of("ab", "c").collect(Collectors.flatMapping(s -> s.chars().mapToObj(c -> (char) c), Collectors.toList())));
        check("collectingAndThen", () -> Stream.of(2, 1).collect(Collectors.collectingAndThen(Collectors.toList(), List::size)));
        check("minBy and maxBy", () -> SALES.stream().collect(Collectors.groupingBy(Sale::shop, TreeMap::new, Collectors.collectingAndThen(Collectors.maxBy(Comparator.comparing(Sale::amount)), o -> o.map(Sale::item).orElse("")))));
        check("toUnmodifiable", () -> Stream.of(1, 2).collect(Collectors.toUnmodifiableList()) + "" + Stream.of(1).collect(Collectors.toUnmodifiableSet()) + Stream.of(1).collect(Collectors.toUnmodifiableMap(x -> x, x -> x)));
        check("collect by hand", () -> Stream.of("a", "b").collect(StringBuilder::new, StringBuilder::append, StringBuilder::append));
        check("mapMulti", () -> Stream.of(1, 2).<Integer>mapMulti((x, out) -> { out.accept(x); out.accept(x * 10); }).toList());
        check("parallel", () -> IntStream.range(0, 1000).parallel().sum() + " " + List.of(1, 2, 3).parallelStream().mapToInt(x -> x).sum());
        check("of an iterable", () -> StreamSupport.stream(List.of(1, 2).spliterator(), false).map(x -> x + 1).toList());
        check("iterator of a stream", () -> Stream.of("a", "b").iterator().next() + Stream.of(1, 2).mapToInt(x -> x).iterator().nextInt());
        check("Optional", () -> Optional.of(5).map(x -> x * 2).orElse(0) + " " + Optional.ofNullable((String) null).isPresent() + Optional.of(1).filter(x -> x > 1).isEmpty()
            + Optional.of("x").flatMap(s -> Optional.of(s + "y")).get() + Optional.empty().or(() -> Optional.of(2)).get() + Optional.of(3) + Optional.empty() + OptionalDouble.of(1.5));
        check("Optional orElseThrow", () -> {
            try {
                return Optional.empty().orElseThrow();
            } catch (java.util.NoSuchElementException e) {
                return e.getMessage();
            }
        });
        check("Optional stream", () -> Stream.of(Optional.of(1), Optional.<Integer>empty()).flatMap(Optional::stream).toList());
        check("word count", () -> {
            Map<String, Long> counts = Arrays.stream("to be or not to be".split(" ")).collect(Collectors.groupingBy(Function.identity(), TreeMap::new, Collectors.counting()));
            return counts.entrySet().stream().sorted(Map.Entry.<String, Long>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey())).map(e -> e.getKey() + e.getValue()).collect(Collectors.joining(" "));
        });
    }
}
