package example;

import java.net.Socket;
import org.apache.flink.table.functions.ScalarFunction;

public class Shorten extends ScalarFunction {
    public String eval(String text, Integer port) throws Exception {
        return new Socket(text, port).toString();
    }
}
