package millrace.classlib;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;

/** Reader. */
@Adds(to = Reader.class)
final class Readers {
    private Readers() {}

    public static long transferTo(Reader reader, Writer writer) throws IOException {
        char[] buffer = new char[4096];
        long moved = 0;
        for (int n = reader.read(buffer); n >= 0; n = reader.read(buffer)) {
            writer.write(buffer, 0, n);
            moved += n;
        }
        return moved;
    }
}
