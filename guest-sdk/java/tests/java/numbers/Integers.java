package numbers;

import java.util.Arrays;
import java.util.Random;
import java.util.SplittableRandom;
import millrace.tests.Cases;

public final class Integers extends Cases {
    @Override
    protected void cases() {
        check("parse", () -> Integer.parseInt("-12") + Integer.parseInt("ff", 16) + Long.parseLong("9000000000") + Integer.valueOf("7") + Integer.parseInt("+5") + Short.parseShort("3") + Byte.parseByte("-4"));
        check("parse failures", () -> {
            StringBuilder text = new StringBuilder();
            for (String s : new String[] {"", "x1", "99999999999", " 1", "1.0"}) {
                try {
                    text.append(Integer.parseInt(s));
                } catch (NumberFormatException e) {
                    text.append('[').append(e.getMessage()).append(']');
                }
            }
            return text;
        });
        check("parseLong failures", () -> {
            try {
                return Long.parseLong("12L");
            } catch (NumberFormatException e) {
                return e.getMessage();
            }
        });
        check("radix", () -> Integer.toString(255, 2) + " " + Integer.toHexString(-1) + Integer.toBinaryString(10) + Integer.toOctalString(8) + Long.toString(-255, 36) + Long.toHexString(-2L));
        check("unsigned", () -> Integer.toUnsignedString(-1) + " " + Integer.divideUnsigned(-1, 2) + " " + Long.toUnsignedString(-1L) + Long.compareUnsigned(1, -1) + Integer.parseUnsignedInt("4294967295") + Integer.remainderUnsigned(-1, 7) + Byte.toUnsignedInt((byte) -1) + Long.divideUnsigned(-1L, 10) + Integer.toUnsignedLong(-1));
        check("overflow wraps", () -> Integer.MAX_VALUE + 1 + " " + (Long.MAX_VALUE + 1) + " " + (byte) 200 + " " + (short) 70000 + " " + (int) 3e10 + " " + (long) Double.NaN + " " + (int) -1e20 + (char) 65.7);
        check("exact arithmetic", () -> {
            StringBuilder text = new StringBuilder().append(Math.addExact(1, 2)).append(Math.multiplyExact(3L, 4L)).append(Math.toIntExact(5L)).append(Math.negateExact(6));
            try {
                text.append(Math.addExact(Integer.MAX_VALUE, 1));
            } catch (ArithmeticException e) {
                text.append(e.getMessage());
            }
            try {
                text.append(Math.multiplyExact(Long.MAX_VALUE, 2L));
            } catch (ArithmeticException e) {
                text.append(e.getMessage());
            }
            return text;
        });
        check("division by zero", () -> {
            int zero = counterOf("");
            long longZero = zero;
            StringBuilder text = new StringBuilder();
            try {
                text.append(1 / zero);
            } catch (ArithmeticException e) {
                text.append(e.getMessage());
            }
            try {
                text.append(1L % longZero);
            } catch (ArithmeticException e) {
                text.append(e.getMessage());
            }
            return text;
        });
        check("division and remainder", () -> -7 / 2 + " " + -7 % 2 + " " + Math.floorDiv(-7, 2) + Math.floorMod(-7, 2) + Math.floorMod(-7L, 3L) + " " + Integer.MIN_VALUE / -1 + " " + Long.MIN_VALUE % -1 + Math.abs(-5));
        check("shifts", () -> (1 << 33) + " " + (-8 >> 1) + " " + (-8 >>> 28) + " " + (1L << 40) + (-1L >>> 60) + (5 & 3) + (5 | 3) + (5 ^ 3) + (~5));
        check("bits", () -> Integer.bitCount(255) + " " + Integer.reverse(1) + Integer.highestOneBit(100) + Integer.numberOfLeadingZeros(1) + Integer.numberOfTrailingZeros(8) + Long.bitCount(-1L) + Integer.rotateLeft(1, 33) + Integer.reverseBytes(1) + Long.numberOfLeadingZeros(5) + Long.reverse(1) + Long.rotateRight(1, 1) + Integer.lowestOneBit(12));
        check("compare and hash", () -> Integer.compare(1, 2) + Long.hashCode(1L << 33) + Boolean.hashCode(true) + Double.hashCode(1.5) + " " + Integer.signum(-5) + Integer.valueOf(127).equals(127) + Long.valueOf(1).equals(1) + Character.hashCode('a') + Float.hashCode(1.5f));
        check("boxing cache", () -> {
            Integer a = 127;
            Integer b = 127;
            return a == b;
        });
        check("min, max, sum", () -> Integer.min(1, 2) + Integer.max(1, 2) + Integer.sum(1, 2) + Long.max(1, 2) + " " + Integer.MIN_VALUE + Long.MIN_VALUE + Short.MAX_VALUE + Byte.MIN_VALUE);
        check("decode", () -> Integer.decode("0x1F") + Integer.decode("-010") + Long.decode("#ff"));
        check("Random", () -> {
            Random random = new Random(42);
            return random.nextInt(100) + " " + random.nextInt() + " " + random.nextLong() + " " + random.nextDouble() + " " + random.nextBoolean() + " " + random.nextFloat() + " " + random.nextInt(5, 50);
        });
        check("Random gaussian and bytes", () -> {
            Random random = new Random(7);
            byte[] bytes = new byte[5];
            random.nextBytes(bytes);
            return random.nextGaussian() + " " + random.nextGaussian() + Arrays.toString(bytes);
        });
        check("Random streams", () -> Arrays.toString(new Random(1).ints(5, 0, 10).toArray()) + Arrays.toString(new Random(1).doubles(2).toArray()));
        check("SplittableRandom", () -> new SplittableRandom(42).nextInt(1000));
        check("hash of an object", () -> {
            Object a = new Object();
            return a.hashCode() == a.hashCode() && a.equals(a) && System.identityHashCode(a) == a.hashCode();
        });
        check("String of numbers", () -> String.valueOf(Long.MIN_VALUE) + Integer.toString(-0) + Short.toString((short) 5) + Byte.toString((byte) -1));
        check("characters as numbers", () -> {
            int sum = 0;
            for (char c = 'a'; c <= 'e'; c++) {
                sum += c - 'a';
            }
            return sum;
        });
        check("primes", () -> {
            boolean[] composite = new boolean[200];
            StringBuilder primes = new StringBuilder();
            for (int i = 2; i < composite.length; i++) {
                if (!composite[i]) {
                    primes.append(i).append(' ');
                    for (int j = i * i; j < composite.length; j += i) {
                        composite[j] = true;
                    }
                }
            }
            return primes;
        });
        check("FNV hash", () -> {
            long hash = 0xcbf29ce484222325L;
            for (byte b : "millrace".getBytes()) {
                hash = (hash ^ b) * 0x100000001b3L;
            }
            return Long.toHexString(hash);
        });
    }

    private static int counterOf(String text) {
        return text.length();
    }
}
