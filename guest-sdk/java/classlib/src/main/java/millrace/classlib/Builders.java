package millrace.classlib;

/** StringBuilder. */
@Adds(to = StringBuilder.class)
final class Builders {
    private Builders() {}

    public static int compareTo(StringBuilder builder, StringBuilder other) {
        return Sequences.compare(builder, other);
    }
}
