import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import millrace.api.*;

/** Uses much of the class library: regular expressions, formatting, decimals, dates, streams, collections. */
public class Heavy extends ETLFunction {
    private static final Pattern WORDS = Pattern.compile("(?<first>\\w+)[ ,;]+(\\w+)");

    private final Map<String, Integer> seen = new LinkedHashMap<>();

    @Override
    public String tableSchema() {
        return """
            {"type": "object", "properties": {"id": {"type": "integer"}, "text": {"type": "string"}}}""";
    }

    @Override
    public List<Row> ETL(Row in) {
        List<Row> out = new ArrayList<>();
        String name = in.getString("name");
        Matcher words = WORDS.matcher(name);
        if (words.find()) {
            out.add(row(in, String.format("%s/%s %05d %,.2f %x", words.group("first"), words.group(2), in.getLong("id"), 1234.5, 255)));
        }
        BigDecimal price = new BigDecimal("10.25").multiply(BigDecimal.valueOf(in.getDouble("amount"))).setScale(2, RoundingMode.HALF_UP);
        out.add(row(in, price.toPlainString()));
        LocalDate day = LocalDate.of(2024, 2, 28).plusDays(in.getLong("id"));
        out.add(row(in, day + " " + Instant.ofEpochMilli(in.getLong("id") * 86_400_000L)));
        Map<Integer, Long> lengths =
            new TreeMap<>(Stream.of(name.split(" ")).collect(Collectors.groupingBy(String::length, Collectors.counting())));
        out.add(row(in, lengths.toString()));
        out.add(row(in, IntStream.range(0, 10).boxed().filter(i -> i % 2 == 1).map(i -> "n" + i).collect(Collectors.joining(","))));
        List<String> sorted = new ArrayList<>(List.of(name.toLowerCase(), name.toUpperCase(), name.replaceAll("(\\d+)", "<$1>")));
        sorted.sort(Comparator.reverseOrder());
        out.add(row(in, String.join("|", sorted)));
        out.add(row(in, name + " seen " + seen.merge(name, 1, Integer::sum)));
        return out;
    }

    private static Row row(Row in, String text) {
        return Row.of("id", in.getLong("id"), "text", text);
    }
}
