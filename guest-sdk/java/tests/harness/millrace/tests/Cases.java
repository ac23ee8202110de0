package millrace.tests;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

/**
 * Cases by name. On the JVM {@link Jvm} prints every answer; as a component the class is given one record per case and
 * answers the same text if the class library is the same.
 */
public abstract class Cases extends ETLFunction {
    /** What a case computes. */
    @FunctionalInterface
    public interface Body {
        Object answer() throws Exception;
    }

    private final Map<String, Body> bodies = new LinkedHashMap<>();

    /** Calls {@link #check} for each case. */
    protected abstract void cases();

    protected final void check(String name, Body body) {
        if (bodies.put(name, body) != null) {
            throw new IllegalStateException("two cases are named " + name);
        }
    }

    /** Adds the cases of another theme, so that one component holds several. */
    protected final void include(String theme, Cases other) {
        for (Map.Entry<String, Body> entry : other.all().entrySet()) {
            check(theme + "/" + entry.getKey(), entry.getValue());
        }
    }

    final Map<String, Body> all() {
        if (bodies.isEmpty()) {
            cases();
        }
        return bodies;
    }

    static String answer(Body body) {
        try {
            return render(body.answer());
        } catch (Throwable thrown) {
            return "throws " + thrown.getClass().getName() + ": " + thrown.getMessage();
        }
    }

    private static String render(Object value) {
        if (value != null && value.getClass().isArray()) {
            String text = Arrays.deepToString(new Object[] {value});
            return text.substring(1, text.length() - 1);
        }
        return String.valueOf(value);
    }

    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\"}, \"answer\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) {
        String name = row.getString("name");
        Body body = all().get(name);
        out.collect(Row.of("name", name, "answer", body == null ? "there is no such case" : answer(body)));
    }
}
