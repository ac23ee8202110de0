package millrace.compiler;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What comes of a request. */
final class Report {
    private static final int DIAGNOSTICS_MAX = 100;

    private final List<Object> diagnostics = new ArrayList<>();
    private final List<Object> steps = new ArrayList<>();
    private boolean failed;
    private String firstError;
    private String entry;

    void add(Diagnostic diagnostic) {
        failed |= diagnostic.error();
        firstError = firstError == null && diagnostic.error() ? diagnostic.message() : firstError;
        if (diagnostics.size() < DIAGNOSTICS_MAX) {
            diagnostics.add(diagnostic.json());
        }
    }

    void error(Diagnostic diagnostic) {
        add(diagnostic);
    }

    boolean failed() {
        return failed;
    }

    /** The message of the first error, null if there is none. */
    String firstError() {
        return firstError;
    }

    /** The class that was built. */
    void built(String className) {
        entry = className;
    }

    /** Work of a step. */
    interface Step {
        void run() throws Exception;
    }

    void step(String name, Step step) throws Exception {
        long started = System.nanoTime();
        try {
            step.run();
        } finally {
            Map<String, Object> taken = new LinkedHashMap<>();
            taken.put("name", name);
            taken.put("elapsed_ms", (System.nanoTime() - started) / 1_000_000);
            steps.add(taken);
        }
    }

    Map<String, Object> json() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("class", failed ? null : entry);
        json.put("diagnostics", diagnostics);
        json.put("steps", steps);
        return json;
    }
}
