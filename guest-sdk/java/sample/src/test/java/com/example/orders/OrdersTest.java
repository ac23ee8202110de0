package com.example.orders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import millrace.api.Capabilities;
import millrace.api.Context;
import millrace.api.Dimensions;
import millrace.api.Logger;
import millrace.api.Params;
import millrace.api.Row;
import org.junit.jupiter.api.Test;

/** The functions on a plain JVM; `millrace plugin test` runs them as components. */
class OrdersTest {
    /** What the host would give. */
    private static final class TestContext extends Context {
        final Map<String, Long> counters = new HashMap<>();
        private final Params params;

        TestContext(Map<String, String> params) {
            this.params = new Params(params);
        }

        @Override
        public Params params() {
            return params;
        }

        @Override
        public Logger logger() {
            return Logger.toStandardError();
        }

        @Override
        public Dimensions dimensions() {
            return null;
        }

        @Override
        public Capabilities capabilities() {
            return null;
        }

        @Override
        public void count(String counter, long delta) {
            counters.merge(counter, delta, Long::sum);
        }

        @Override
        public long randomSeed() {
            return 1;
        }
    }

    private final TestContext context = new TestContext(Map.of("amountMin", "2"));

    private List<Row> run(Row row) {
        CleanOrders function = new CleanOrders();
        function.attach(context, List.of("id", "customer", "lines"));
        function.open();
        List<Row> rows = new ArrayList<>();
        function.ETL(row, out -> rows.add(out.copy()));
        return rows;
    }

    @Test
    void ordersBecomeLines() {
        String lines = "[{\"item\": \"tea\", \"price\": 2.5, \"quantity\": 2}, {\"item\": \"lid\", \"price\": 1}]";
        List<Row> rows = run(Row.of("id", 7L, "customer", " ann ", "lines", lines));
        assertEquals(List.of(Row.of("id", 7L, "customer", "ANN", "item", "tea", "amount", 5.0)), rows);
        assertEquals(1, context.counters.get("lines_dropped"));
    }

    @Test
    void malformedLinesAreTheRecordsFault() {
        Row row = Row.of("id", 8L, "customer", "bob", "lines", "[{");
        String message = assertThrows(IllegalArgumentException.class, () -> run(row)).getMessage();
        assertEquals("the lines of order 8 are no JSON", message.substring(0, message.indexOf(':')));
    }

    @Test
    void masks() {
        assertEquals("******7890", new Mask().eval("1234567890"));
        assertEquals("**c", new Mask().eval("abc", 1));
        assertNull(new Mask().eval(null));
    }

    @Test
    void averages() {
        WeightedAverage function = new WeightedAverage();
        WeightedAverage.Accumulator accumulator = function.createAccumulator();
        assertNull(function.getValue(accumulator));
        function.accumulate(accumulator, 10.0, 1L);
        function.accumulate(accumulator, 20.0, 3L);
        assertEquals(17.5, function.getValue(accumulator));
        function.retract(accumulator, 10.0, 1L);
        WeightedAverage.Accumulator other = function.createAccumulator();
        function.accumulate(other, 40.0, 1L);
        function.merge(accumulator, List.of(other));
        assertEquals(25.0, function.getValue(accumulator));
    }
}
