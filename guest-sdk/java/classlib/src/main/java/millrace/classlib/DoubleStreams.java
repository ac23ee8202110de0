package millrace.classlib;

import java.util.stream.DoubleStream;

/** DoubleStream. "Parallel" is one after another. */
@Adds(to = DoubleStream.class)
final class DoubleStreams {
    private DoubleStreams() {}

    public static DoubleStream parallel(DoubleStream stream) {
        return stream;
    }

    public static DoubleStream sequential(DoubleStream stream) {
        return stream;
    }
}
