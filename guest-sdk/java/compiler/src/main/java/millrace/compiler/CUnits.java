package millrace.compiler;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Arranges TeaVM's C files in compilation units of about the same size, which are compiled side by side.
 *
 * <p>Invariant: what runs for every row is in the first unit, so that all of it can be inlined into each other: the tenant's
 * classes, the runtime's columns and rows, strings and the collector. `program-end.c` is there too, and so is TeaVM's C runtime:
 * its files lean on what is included before them.
 */
final class CUnits {
    /** A unit of this size takes clang about a second. */
    private static final long UNIT_BYTES = 800_000;
    /** Units in twos: one for each of two processors. */
    private static final int SIDE_BY_SIDE = 2;
    private static final int UNITS_MAX = 16;

    /** Parts of TeaVM's C runtime that `runtime.c` stands in for. */
    private static final List<String> LEFT_OUT = List.of("fiber.c", "file.c", "heapdump.c");

    /** Tables without code: they cost a quarter of what code costs. */
    private static final Pattern TABLES = Pattern.compile("callsites\\.c|strings\\.c|reflection\\.c");
    /** Classes of Java's and Scala's libraries, and what completes Java's. */
    private static final Pattern LIBRARY = Pattern.compile("c/(j|o/t|s|m/c)/.*");
    private static final Pattern LIBRARY_FOR_EVERY_ROW = Pattern.compile(
        "c/(j/l/(String|StringBuilder|AbstractStringBuilder|Object|Class|Math|Integer|Long|Double|Boolean)|j/u/(HashMap|ArrayList)"
            + "|o/t/r/(Allocator|Runtime\\w*|GC))\\.c");
    /** What the runtime does once per instance or per fault. */
    private static final Pattern RUNTIME_FOR_ONCE =
        Pattern.compile("c/m/r/(Json|JsonSchema|Schemas|Schemas@d\\w+|Faults|HostContext|HostCapabilities)\\.c");

    private final Path folder;
    private final List<String> prologue = new ArrayList<>();
    private final List<File> first = new ArrayList<>();
    private final List<File> rest = new ArrayList<>();

    private CUnits(Path folder) {
        this.folder = folder;
    }

    /** Lines that include a file, and what the file weighs. */
    private record File(List<String> lines, long weight) {}

    /** Writes `program.c` and, if there is more, `library-1.c` and so on, in place of TeaVM's list of all files. */
    static void write(Path folder) throws IOException {
        CUnits units = new CUnits(folder);
        for (String line : Files.readAllLines(folder.resolve("all.c"))) {
            units.add(line);
        }
        units.write();
    }

    private void add(String line) throws IOException {
        String file = line.startsWith("#include \"") ? line.substring(10, line.length() - 1) : null;
        if (file == null) {
            prologue.add(line);
        } else if (!LEFT_OUT.contains(file)) {
            long bytes = Files.size(folder.resolve(file));
            File added = new File(lines(file, line), TABLES.matcher(file).matches() ? bytes / 4 : bytes);
            (isForEveryRow(file) ? first : rest).add(added);
        }
    }

    private static boolean isForEveryRow(String file) {
        if (LIBRARY.matcher(file).matches()) {
            return LIBRARY_FOR_EVERY_ROW.matcher(file).matches();
        }
        return !TABLES.matcher(file).matches() && !RUNTIME_FOR_ONCE.matcher(file).matches();
    }

    private static List<String> lines(String file, String line) {
        if (file.equals("main.c")) {
            return List.of("#define main teavm_main", line, "#undef main");
        }
        if (file.equals("heaptrace.c")) {
            // Ours throws an OutOfMemoryError.
            return List.of("#define teavm_outOfMemory teavm_outOfMemoryUnused", line, "#undef teavm_outOfMemory");
        }
        if (file.endsWith("/MarkQueue.c")) {
            // In the middle of a collection nothing can be thrown.
            return List.of("#define teavm_outOfMemory abort", line, "#undef teavm_outOfMemory");
        }
        return List.of(line);
    }

    private void write() throws IOException {
        long total = weight(first) + weight(rest);
        long wanted = (total + UNIT_BYTES - 1) / UNIT_BYTES;
        long count = Math.min((wanted + SIDE_BY_SIDE - 1) / SIDE_BY_SIDE * SIDE_BY_SIDE, UNITS_MAX);
        long each = total / count + 1;
        int unit = 0;
        long weight = weight(first);
        List<String> lines = new ArrayList<>(prologue);
        first.forEach(file -> lines.addAll(file.lines()));
        for (File file : rest) {
            // What lies across a border goes where more of it is.
            if (weight + file.weight() / 2 > each) {
                end(unit++, lines);
                weight = 0;
                lines.subList(prologue.size(), lines.size()).clear();
            }
            lines.addAll(file.lines());
            weight += file.weight();
        }
        end(unit, lines);
    }

    private static long weight(List<File> files) {
        return files.stream().mapToLong(File::weight).sum();
    }

    private void end(int unit, List<String> lines) throws IOException {
        if (unit == 0) {
            lines.add("#include \"program-end.c\"");
        }
        String name = unit == 0 ? "program.c" : "library-" + unit + ".c";
        Files.writeString(folder.resolve(name), String.join("\n", lines) + "\n");
    }
}
