package millrace.conformance;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.table.connector.ChangelogMode;

/** What the WITH clause of a case table says: the file, its number of splits, how its changes are to be read. */
record CaseScript(String file, int splits, String changelog) implements Serializable {
    List<String> lines() {
        try (var lines = Files.lines(Path.of(file))) {
            return lines.filter(line -> !line.isBlank()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException("The input of a case table cannot be read: " + file, e);
        }
    }

    /** Insert-only unless a line carries a change kind; {@code 'changelog' = 'upsert'} drops the before-images. */
    ChangelogMode mode() {
        return switch (changelog) {
            case "upsert" -> ChangelogMode.upsert();
            case "all" -> ChangelogMode.all();
            default -> lines().stream().anyMatch(line -> line.contains("\"$op\"")) ? ChangelogMode.all() : ChangelogMode.insertOnly();
        };
    }
}
