package millrace.classlib;

import java.util.stream.Stream;

/** Stream. */
@Adds(to = Stream.class)
final class Streams {
    private Streams() {}

    @Static
    public static <T> Stream<T> ofNullable(T value) {
        return value == null ? Stream.empty() : Stream.of(value);
    }
}
