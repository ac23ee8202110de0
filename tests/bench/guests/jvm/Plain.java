import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The same work in plain Java on the JVM, one thread: columns in, a string per row, columns out. Prints rows per second of
 * each round; later rounds are warm.
 */
public final class Plain {
    private static final int ROWS = 1_024;

    private final double factor;
    private final long[] ids = new long[ROWS];
    private final double[] amounts = new double[ROWS];
    private final int[] offsets = new int[ROWS + 1];
    private byte[] text = new byte[1 << 16];
    private int rows;

    private Plain(double factor) {
        this.factor = factor;
    }

    private void row(long id, String name, double amount) {
        if (amount < 50) {
            return;
        }
        byte[] upper = name.toUpperCase().getBytes(StandardCharsets.UTF_8);
        int start = offsets[rows];
        if (start + upper.length > text.length) {
            text = Arrays.copyOf(text, 2 * text.length + upper.length);
        }
        System.arraycopy(upper, 0, text, start, upper.length);
        ids[rows] = id;
        amounts[rows] = amount * factor;
        offsets[++rows] = start + upper.length;
    }

    public static void main(String[] arguments) {
        long[] ids = new long[ROWS];
        double[] amounts = new double[ROWS];
        int[] offsets = new int[ROWS + 1];
        StringBuilder names = new StringBuilder();
        for (int i = 0; i < ROWS; i++) {
            ids[i] = i;
            amounts[i] = i % 100;
            names.append("user name ").append(i * 7919 % 1000);
            offsets[i + 1] = names.length();
        }
        byte[] text = names.toString().getBytes(StandardCharsets.UTF_8);
        Plain plain = new Plain(1.1);
        long check = 0;
        int rounds = Integer.parseInt(arguments[0]);
        for (int round = 0; round < rounds; round++) {
            long started = System.nanoTime();
            long batches = 0;
            while (System.nanoTime() - started < 500_000_000L) {
                plain.rows = 0;
                for (int i = 0; i < ROWS; i++) {
                    String name = new String(text, offsets[i], offsets[i + 1] - offsets[i], StandardCharsets.UTF_8);
                    plain.row(ids[i], name, amounts[i]);
                }
                check += plain.offsets[plain.rows] + plain.text[0];
                batches++;
            }
            System.out.printf("%.0f%n", batches * ROWS / ((System.nanoTime() - started) / 1e9));
        }
        // The answer is used, or the work would be left out.
        System.err.println(check);
    }
}
