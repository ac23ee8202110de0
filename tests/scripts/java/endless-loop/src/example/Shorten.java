package example;

import org.apache.flink.table.functions.ScalarFunction;

public class Shorten extends ScalarFunction {
    private static volatile long turns;

    public String eval(String text, Integer width) {
        while (width > 0) {
            turns++;
        }
        return text;
    }
}
