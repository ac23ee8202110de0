package millrace.classlib;

import java.util.NoSuchElementException;
import java.util.OptionalInt;

/** OptionalInt. */
@Adds(to = OptionalInt.class)
final class TextOptionalInt {
    private TextOptionalInt() {}

    @Replaces
    public static String toString(OptionalInt optional) {
        return optional.isPresent() ? "OptionalInt[" + optional.getAsInt() + "]" : "OptionalInt.empty";
    }

    @Replaces
    public static int orElseThrow(OptionalInt optional) {
        return getAsInt(optional);
    }

    @Replaces
    public static int getAsInt(OptionalInt optional) {
        if (!optional.isPresent()) {
            throw new NoSuchElementException("No value present");
        }
        return optional.orElse(0);
    }
}
