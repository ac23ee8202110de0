import java.util.ArrayList;
import java.util.List;
import millrace.api.*;

/** Throws what its rows ask for; every exception must stay within its record. */
public class Faulty extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"id\": {\"type\": \"integer\"}, \"name\": {\"type\": \"string\"}}}";
    }

    private static long deep(long n) {
        return 1 + deep(n + 1) * 2;
    }

    private String caught(String name) {
        try {
            switch (name) {
                case "caught bounds":
                    int[] numbers = new int[2];
                    return String.valueOf(numbers[name.length()]);
                case "caught parse":
                    return String.valueOf(Integer.parseInt("zz"));
                case "caught division":
                    return String.valueOf(name.length() / (name.length() - 15));
                default:
                    return "nothing thrown";
            }
        } catch (ArrayIndexOutOfBoundsException | ArithmeticException | NumberFormatException e) {
            return e.getClass().getName() + "/" + e.getMessage();
        } finally {
            count("finally", 1);
        }
    }

    @Override
    public void ETL(Row in, Collector<Row> out) throws Exception {
        String name = in.getString("name");
        long id = in.getLong("id");
        long result = 0;
        // A row that is left half filled must not show in the next one.
        out.row().setLong("id", -1);
        switch (name) {
            case "checked": throw new Exception("told so", new IllegalStateException("inner"));
            case "null": result = ((String) null).length(); break;
            case "int division": result = 1 / (int) (id - id); break;
            case "long division": result = id / (id - id); break;
            case "remainder": result = id % (id - id); break;
            case "smallest": result = Long.MIN_VALUE / (id - id - 1) == Long.MIN_VALUE && Integer.MIN_VALUE % -1 == 0 ? 7 : 8; break;
            case "bounds": int[] two = new int[2]; two[(int) id + 5] = 1; break;
            case "cast": Object o = name; result = (Integer) o; break;
            case "negative": result = new long[(int) -id].length; break;
            case "deep": result = deep(id); break;
            case "heap": List<long[]> all = new ArrayList<>(); while (true) { all.add(new long[100_000]); }
            case "mismatch": out.row().set("id", "text"); break;
            case "missing": result = in.getLong("nothing"); break;
            case "unknown column": out.row().set("nothing", 1L); break;
            case "longs": long[] longs = new long[1000]; for (int i = 0; i < 200; i++) { byte[] noise = new byte[i * 7 + 1]; longs[i] = i + noise.length; if (i % 20 == 0) { System.gc(); } } for (int i = 0; i < 200; i++) { result += longs[i]; } break;
            default: name = caught(name);
        }
        Row row = out.row();
        row.setLong("id", result);
        row.set("name", name);
        out.collect(row);
    }
}
