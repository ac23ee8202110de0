package millrace.classlib;

import java.util.NoSuchElementException;
import java.util.Optional;

/** Optional. */
@Adds(to = Optional.class)
final class TextOptional {
    private TextOptional() {}

    @Replaces
    public static String toString(Optional<?> optional) {
        return optional.isPresent() ? "Optional[" + optional.get() + "]" : "Optional.empty";
    }

    @Replaces
    public static <T> T orElseThrow(Optional<T> optional) {
        return get(optional);
    }

    @Replaces
    public static <T> T get(Optional<T> optional) {
        if (!optional.isPresent()) {
            throw new NoSuchElementException("No value present");
        }
        return optional.orElse(null);
    }
}
