package example;

import java.lang.reflect.Method;
import org.apache.flink.table.functions.ScalarFunction;

public class Shorten extends ScalarFunction {
    public String eval(String text, Integer width) throws Exception {
        Method method = String.class.getDeclaredMethod("trim");
        method.setAccessible(true);
        return (String) method.invoke(text);
    }
}
