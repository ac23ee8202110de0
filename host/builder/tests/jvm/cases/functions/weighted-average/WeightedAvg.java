package acme;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.api.dataview.*;
import java.util.*;
public class WeightedAvg extends AggregateFunction<Double, WeightedAvg.Acc> {
    public static class Acc { public double sum; public long weight; public Map<String, Integer> seen = new HashMap<>(); public List<Long> last = new ArrayList<>(); }
    public Acc createAccumulator() { return new Acc(); }
    public Double getValue(Acc acc) { return acc.weight == 0 ? null : acc.sum / acc.weight; }
    public void accumulate(Acc acc, Double value, long weight) { if (value != null) { acc.sum += value * weight; acc.weight += weight; acc.seen.merge("n", 1, Integer::sum); acc.last.add(weight); } }
    public void retract(Acc acc, Double value, long weight) { if (value != null) { acc.sum -= value * weight; acc.weight -= weight; } }
    public void merge(Acc acc, Iterable<Acc> others) { for (Acc o : others) { acc.sum += o.sum; acc.weight += o.weight; } }
    public void resetAccumulator(Acc acc) { acc.sum = 0; acc.weight = 0; }
}
