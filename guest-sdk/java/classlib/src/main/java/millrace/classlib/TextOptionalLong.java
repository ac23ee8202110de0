package millrace.classlib;

import java.util.NoSuchElementException;
import java.util.OptionalLong;

/** OptionalLong. */
@Adds(to = OptionalLong.class)
final class TextOptionalLong {
    private TextOptionalLong() {}

    @Replaces
    public static String toString(OptionalLong optional) {
        return optional.isPresent() ? "OptionalLong[" + optional.getAsLong() + "]" : "OptionalLong.empty";
    }

    @Replaces
    public static long orElseThrow(OptionalLong optional) {
        return getAsLong(optional);
    }

    @Replaces
    public static long getAsLong(OptionalLong optional) {
        if (!optional.isPresent()) {
            throw new NoSuchElementException("No value present");
        }
        return optional.orElse(0);
    }
}
