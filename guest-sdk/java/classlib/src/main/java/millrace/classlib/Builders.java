package millrace.classlib;

/** StringBuilder. */
@Adds(to = StringBuilder.class)
final class Builders {
    private Builders() {}

    public static int compareTo(StringBuilder builder, StringBuilder other) {
        return Sequences.compare(builder, other);
    }

    /** Pairs of surrogates keep their order. */
    @Replaces
    public static StringBuilder reverse(StringBuilder builder) {
        String text = builder.toString();
        builder.setLength(0);
        for (int i = text.length() - 1; i >= 0; i--) {
            char c = text.charAt(i);
            if (i > 0 && Character.isLowSurrogate(c) && Character.isHighSurrogate(text.charAt(i - 1))) {
                builder.append(text.charAt(--i));
            }
            builder.append(c);
        }
        return builder;
    }
}
