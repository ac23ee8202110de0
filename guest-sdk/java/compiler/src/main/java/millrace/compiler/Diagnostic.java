package millrace.compiler;

import java.util.LinkedHashMap;
import java.util.Map;

/** Something that the compilers have to say; lines and columns from 1, in the tenant's text. */
record Diagnostic(boolean error, String file, Long line, Long column, String method, String message, String help) {
    static Diagnostic error(String message) {
        return new Diagnostic(true, null, null, null, null, message, null);
    }

    static Diagnostic error(String message, String help) {
        return new Diagnostic(true, null, null, null, null, message, help);
    }

    Map<String, Object> json() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("severity", error ? "error" : "warning");
        json.put("file", file);
        json.put("line", line);
        json.put("column", column);
        json.put("method", method);
        json.put("message", message);
        json.put("help", help);
        return json;
    }
}
