package millrace.classlib;

/** Integer. */
@Adds(to = Integer.class)
final class Integers {
    private Integers() {}

    public static int parseUnsignedInt(String text) {
        return parseUnsignedInt(text, 10);
    }

    public static int parseUnsignedInt(String text, int radix) {
        long value = Long.parseLong(text, radix);
        if (value < 0 || value > 0xFFFF_FFFFL) {
            throw new NumberFormatException("For input string: \"" + text + "\"");
        }
        return (int) value;
    }

    @Static
    @Replaces
    public static int parseInt(String text, int radix) {
        if (text == null) {
            throw new NumberFormatException("Cannot parse null string");
        }
        long value = Longs.parse(text, radix, true);
        return (int) value;
    }
}
