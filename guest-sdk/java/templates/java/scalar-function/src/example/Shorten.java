package example;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code SHORTEN(text, width)}: a text cut to a width. One {@code eval} per signature. */
public class Shorten extends ScalarFunction {
    public String eval(String text, Integer width) {
        if (text == null || width == null || text.length() <= width) {
            return text;
        }
        return text.substring(0, Math.max(0, width - 1)) + "…";
    }
}
