package millrace.compiler;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Where the SDK, the runtime, TeaVM's Java library and Scala's lie. */
record Toolchain(List<Path> sdk, List<Path> runtime, List<Path> library, List<Path> scala) {
    static Toolchain of(String[] arguments) {
        if (arguments.length != 3) {
            throw new IllegalArgumentException("expected the paths of SDK, runtime and Scala library, found " + arguments.length);
        }
        List<Path> library = paths(System.getProperty("java.class.path"));
        // TeaVM's java.util.zip stands on jzlib.
        library.removeIf(path -> !path.getFileName().toString().startsWith("teavm-") && !path.getFileName().toString().startsWith("jzlib-"));
        return new Toolchain(paths(arguments[0]), paths(arguments[1]), library, paths(arguments[2]));
    }

    static List<Path> paths(String joined) {
        List<Path> paths = new ArrayList<>();
        for (String path : joined.split(File.pathSeparator)) {
            if (!path.isEmpty()) {
                paths.add(Path.of(path));
            }
        }
        return paths;
    }
}
