package millrace.classlib;

/** Float. */
@Adds(to = Float.class)
final class Floats {
    private Floats() {}

    @Static
    @Replaces
    public static Float valueOf(String text) {
        return parseFloat(text);
    }

    /** Rounded twice, which can differ from the JVM in the last place for texts of more than seventeen digits. */
    @Static
    @Replaces
    public static float parseFloat(String text) {
        return (float) Doubles.parseDouble(text);
    }
}
