package millrace.runtime;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.UserDefinedFunction;

/**
 * The signatures of a SQL function, as the entry class writes them: a line {@code S variadic retracts merges parameters
 * results}, then one line per field, {@code code precision scale nullable children name}, parts separated by tabs.
 */
final class Signatures {
    private static final int SIGNATURE_BYTES = 24;

    /** One way to call the function. */
    static final class Signature {
        final boolean variadic;
        final boolean retracts;
        final boolean merges;
        final Column[] parameters;
        final Column[] result;

        Signature(boolean variadic, boolean retracts, boolean merges, Column[] parameters, Column[] result) {
            this.variadic = variadic;
            this.retracts = retracts;
            this.merges = merges;
            this.parameters = parameters;
            this.result = result;
        }

        /** Columns of so many arguments: the variadic parameter as often as it is given. */
        Column[] arguments(int count) {
            Column[] columns = new Column[count];
            for (int i = 0; i < count; i++) {
                Column parameter = parameters[Math.min(i, parameters.length - 1)];
                columns[i] = Schemas.copy(new Column[] {parameter})[0];
            }
            return columns;
        }
    }

    private final String text;
    private int at;

    private Signatures(String text) {
        this.text = text;
    }

    /** The next part; without the regular expressions of {@code split}, which would become part of every function. */
    private String part() {
        int from = at;
        while (text.charAt(at) != '\t' && text.charAt(at) != '\n') {
            at++;
        }
        return text.substring(from, at++);
    }

    private int number() {
        return Integer.parseInt(part());
    }

    private boolean flag() {
        return number() == 1;
    }

    static List<Signature> parse(String text) {
        Signatures reader = new Signatures(text);
        List<Signature> signatures = new ArrayList<>();
        while (reader.at < text.length()) {
            reader.part();
            boolean variadic = reader.flag();
            boolean retracts = reader.flag();
            boolean merges = reader.flag();
            int parameters = reader.number();
            int results = reader.number();
            signatures.add(new Signature(variadic, retracts, merges, reader.fields(parameters), reader.fields(results)));
        }
        return signatures;
    }

    private Column[] fields(int count) {
        Column[] fields = new Column[count];
        for (int i = 0; i < count; i++) {
            ColumnType type = new ColumnType(number(), number(), number());
            boolean nullable = flag();
            int children = number();
            String name = part();
            fields[i] = Schemas.make(name, type, nullable, fields(children));
        }
        return fields;
    }

    /** Answers the list of signatures; of aggregates with what they can do beside. */
    static int answer(List<Signature> signatures, boolean deterministic, boolean aggregate) {
        int bytes = aggregate ? SIGNATURE_BYTES + 4 : SIGNATURE_BYTES;
        int list = Memory.allocate(4, signatures.size() * bytes);
        int at = list;
        for (Signature signature : signatures) {
            Schemas.write(signature.parameters, at);
            Memory.writeInt(at + 8, signature.variadic ? 1 : 0);
            Schemas.write(signature.result, at + 12);
            Memory.writeInt(at + 20, deterministic ? 1 : 0);
            if (aggregate) {
                Memory.writeInt(at + 24, 0);
                Memory.writeByte(at + 24, signature.retracts ? 1 : 0);
                Memory.writeByte(at + 25, signature.merges ? 1 : 0);
            }
            at += bytes;
        }
        int result = Memory.allocate(4, 20);
        Memory.writeByte(result, 0);
        Memory.writeInt(result + 4, list);
        Memory.writeInt(result + 8, signatures.size());
        return result;
    }

    /** Opens the function. */
    static void open(UserDefinedFunction function) throws Exception {
        function.open(new FunctionContext(new HostContext()));
    }

    /** A `result` without value. */
    static int done() {
        int result = Memory.allocate(4, 20);
        Memory.writeByte(result, 0);
        return result;
    }

    /** A fault of a row. */
    static int fault(Throwable thrown, int row) {
        int result = Memory.allocate(4, 20);
        Memory.writeByte(result, 1);
        Faults.write(result + 4, Faults.text(thrown), row);
        return result;
    }
}
