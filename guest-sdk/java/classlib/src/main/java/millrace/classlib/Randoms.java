package millrace.classlib;

import java.util.Random;
import java.util.stream.IntStream;

/** Random: the numbers that the JVM gives. */
@Adds(to = Random.class)
final class Randoms {
    private Randoms() {}

    /** The upper bits of the next number. */
    private static int next(Random random, int bits) {
        return random.nextInt() >>> 32 - bits;
    }

    @Replaces
    public static int nextInt(Random random, int bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("bound must be positive");
        }
        int r = next(random, 31);
        int m = bound - 1;
        if ((bound & m) == 0) {
            return (int) (bound * (long) r >> 31);
        }
        for (int u = r; u - (r = u % bound) + m < 0; u = next(random, 31)) {}
        return r;
    }

    @Replaces
    public static int nextInt(Random random, int origin, int bound) {
        if (origin >= bound) {
            throw new IllegalArgumentException("bound must be greater than origin");
        }
        int r = random.nextInt();
        int n = bound - origin;
        int m = n - 1;
        if ((n & m) == 0) {
            return (r & m) + origin;
        }
        if (n > 0) {
            for (int u = r >>> 1; u + m - (r = u % n) < 0; u = random.nextInt() >>> 1) {}
            return r + origin;
        }
        while (r < origin || r >= bound) {
            r = random.nextInt();
        }
        return r;
    }

    @Replaces
    public static void nextBytes(Random random, byte[] bytes) {
        int left = 0;
        for (int i = 0; i < bytes.length; i++) {
            left = i % 4 == 0 ? random.nextInt() : left >> 8;
            bytes[i] = (byte) left;
        }
    }

    @Replaces
    public static IntStream ints(Random random, long count, int origin, int bound) {
        return IntStream.generate(() -> nextInt(random, origin, bound)).limit(count);
    }

    @Replaces
    public static IntStream ints(Random random, int origin, int bound) {
        return IntStream.generate(() -> nextInt(random, origin, bound));
    }
}
