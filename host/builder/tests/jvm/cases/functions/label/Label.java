package acme;
import org.apache.flink.table.functions.ScalarFunction;
import org.apache.flink.table.annotation.*;
import java.math.BigDecimal;
import java.util.*;
public class Label extends ScalarFunction {
    public String eval(long id, String name) { if (id == 13) throw new IllegalArgumentException("unlucky"); return name == null ? null : name + "#" + id; }
    public Integer eval(Integer a) { return a == null ? null : a / (a - 5); }
    public double eval(double... values) { double s = 0; for (double v : values) s += v; return s; }
    public @DataTypeHint("DECIMAL(10, 2)") BigDecimal eval(@DataTypeHint("DECIMAL(10, 2)") BigDecimal a, int n) { return a.multiply(BigDecimal.valueOf(n)); }
}
