package example;

import java.lang.reflect.Proxy;
import org.apache.flink.table.functions.ScalarFunction;

public class Shorten extends ScalarFunction {
    public String eval(String text, Integer width) {
        Class<?>[] interfaces = {Runnable.class};
        return Proxy.newProxyInstance(Shorten.class.getClassLoader(), interfaces, (proxy, method, arguments) -> null).toString();
    }
}
