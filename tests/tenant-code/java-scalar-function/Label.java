package acme;

import org.apache.flink.table.functions.ScalarFunction;

/** Two overloads: a label of a user in a region, and twice a number. */
public class Label extends ScalarFunction {
    public String eval(String user, String region) {
        return region == null ? null : String.format("%s@%s", user, region.toUpperCase());
    }

    public Double eval(Double number) {
        return number == null ? null : number * 2;
    }
}
