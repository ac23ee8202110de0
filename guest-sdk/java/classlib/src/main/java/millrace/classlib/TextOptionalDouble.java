package millrace.classlib;

import java.util.NoSuchElementException;
import java.util.OptionalDouble;

/** OptionalDouble. */
@Adds(to = OptionalDouble.class)
final class TextOptionalDouble {
    private TextOptionalDouble() {}

    @Replaces
    public static String toString(OptionalDouble optional) {
        return optional.isPresent() ? "OptionalDouble[" + optional.getAsDouble() + "]" : "OptionalDouble.empty";
    }

    @Replaces
    public static double orElseThrow(OptionalDouble optional) {
        return getAsDouble(optional);
    }

    @Replaces
    public static double getAsDouble(OptionalDouble optional) {
        if (!optional.isPresent()) {
            throw new NoSuchElementException("No value present");
        }
        return optional.orElse(0);
    }
}
