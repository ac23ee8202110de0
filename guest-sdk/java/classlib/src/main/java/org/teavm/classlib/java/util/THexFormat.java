package org.teavm.classlib.java.util;

/** {@code java.util.HexFormat}. */
public final class THexFormat {
    private static final THexFormat PLAIN = new THexFormat("", "", "", false);

    private final String delimiter;
    private final String prefix;
    private final String suffix;
    private final boolean upper;

    private THexFormat(String delimiter, String prefix, String suffix, boolean upper) {
        this.delimiter = delimiter;
        this.prefix = prefix;
        this.suffix = suffix;
        this.upper = upper;
    }

    public static THexFormat of() {
        return PLAIN;
    }

    public static THexFormat ofDelimiter(String delimiter) {
        return new THexFormat(delimiter, "", "", false);
    }

    public THexFormat withDelimiter(String value) {
        return new THexFormat(value, prefix, suffix, upper);
    }

    public THexFormat withPrefix(String value) {
        return new THexFormat(delimiter, value, suffix, upper);
    }

    public THexFormat withSuffix(String value) {
        return new THexFormat(delimiter, prefix, value, upper);
    }

    public THexFormat withUpperCase() {
        return new THexFormat(delimiter, prefix, suffix, true);
    }

    public THexFormat withLowerCase() {
        return new THexFormat(delimiter, prefix, suffix, false);
    }

    public String delimiter() {
        return delimiter;
    }

    public String prefix() {
        return prefix;
    }

    public String suffix() {
        return suffix;
    }

    public boolean isUpperCase() {
        return upper;
    }

    private char digit(int value) {
        char digit = Character.forDigit(value & 15, 16);
        return upper ? Character.toUpperCase(digit) : digit;
    }

    public String formatHex(byte[] bytes) {
        return formatHex(bytes, 0, bytes.length);
    }

    public String formatHex(byte[] bytes, int from, int to) {
        StringBuilder out = new StringBuilder();
        for (int i = from; i < to; i++) {
            out.append(i == from ? "" : delimiter).append(prefix).append(digit(bytes[i] >> 4)).append(digit(bytes[i])).append(suffix);
        }
        return out.toString();
    }

    public byte[] parseHex(CharSequence sequence) {
        String text = sequence.toString();
        if (text.isEmpty()) {
            return new byte[0];
        }
        int stride = prefix.length() + 2 + suffix.length() + delimiter.length();
        if ((text.length() + delimiter.length()) % stride != 0) {
            throw new IllegalArgumentException("string is incorrect length: " + text.length());
        }
        byte[] bytes = new byte[(text.length() + delimiter.length()) / stride];
        for (int i = 0; i < bytes.length; i++) {
            int at = i * stride;
            int digits = at + prefix.length();
            boolean last = i == bytes.length - 1;
            if (!text.startsWith(prefix, at) || !text.startsWith(suffix, digits + 2) || !last && !text.startsWith(delimiter, digits + 2 + suffix.length())) {
                throw new IllegalArgumentException("found: \"" + text.substring(at, last ? text.length() : at + stride) + "\", expected prefix, digits, suffix and delimiter");
            }
            bytes[i] = (byte) (fromHexDigit(text.charAt(digits)) << 4 | fromHexDigit(text.charAt(digits + 1)));
        }
        return bytes;
    }

    public static boolean isHexDigit(int c) {
        return c < 128 && Character.digit((char) c, 16) >= 0;
    }

    public static int fromHexDigit(int c) {
        if (!isHexDigit(c)) {
            throw new NumberFormatException("not a hexadecimal digit: \"" + (char) c + "\" = " + c);
        }
        return Character.digit((char) c, 16);
    }

    public static int fromHexDigits(CharSequence text) {
        return Integer.parseUnsignedInt(text.toString(), 16);
    }

    private String digits(long value, int count) {
        StringBuilder out = new StringBuilder();
        for (int i = count - 1; i >= 0; i--) {
            out.append(digit((int) (value >>> 4 * i)));
        }
        return out.toString();
    }

    public String toHexDigits(byte value) {
        return digits(value, 2);
    }

    public String toHexDigits(short value) {
        return digits(value, 4);
    }

    public String toHexDigits(int value) {
        return digits(value, 8);
    }

    public String toHexDigits(long value) {
        return digits(value, 16);
    }
}
