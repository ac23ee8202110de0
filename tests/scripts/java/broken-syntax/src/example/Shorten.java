package example;

import org.apache.flink.table.functions.ScalarFunction;

public class Shorten extends ScalarFunction {
    public String eval(String text) {
        return text.shortened(3)
    }
}
