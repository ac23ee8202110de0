package millrace.compiler;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Which costly classes of Java's library a tenant's classes name: what they do not name they cannot make. */
final class NamedClasses {
    private static final byte[] DECIMALS = "java/math/Big".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] SCALA_DECIMALS = "scala/math/Big".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] TIMES = "java/time/".getBytes(StandardCharsets.US_ASCII);

    private boolean decimals;
    private boolean times;

    /** Looks into folders and archives of class files. */
    static NamedClasses in(List<Path> paths) throws IOException {
        NamedClasses named = new NamedClasses();
        for (Path path : paths) {
            if (Files.isDirectory(path)) {
                named.lookIntoFolder(path);
            } else {
                named.lookIntoArchive(path);
            }
        }
        return named;
    }

    boolean decimals() {
        return decimals;
    }

    boolean times() {
        return times;
    }

    private void lookIntoFolder(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(file -> file.toString().endsWith(".class")).toList()) {
                lookInto(Files.readAllBytes(file));
            }
        }
    }

    private void lookIntoArchive(Path archive) throws IOException {
        try (InputStream in = Files.newInputStream(archive); ZipInputStream zip = new ZipInputStream(in)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null && !(decimals && times); entry = zip.getNextEntry()) {
                if (entry.getName().endsWith(".class")) {
                    lookInto(zip.readAllBytes());
                }
            }
        }
    }

    private void lookInto(byte[] classFile) {
        decimals |= contains(classFile, DECIMALS) || contains(classFile, SCALA_DECIMALS);
        times |= contains(classFile, TIMES);
    }

    private static boolean contains(byte[] bytes, byte[] wanted) {
        for (int i = 0; i <= bytes.length - wanted.length; i++) {
            int j = 0;
            while (j < wanted.length && bytes[i + j] == wanted[j]) {
                j++;
            }
            if (j == wanted.length) {
                return true;
            }
        }
        return false;
    }
}
