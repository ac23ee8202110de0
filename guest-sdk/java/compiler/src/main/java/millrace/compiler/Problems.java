package millrace.compiler;

import org.teavm.diagnostics.DefaultProblemTextConsumer;
import org.teavm.diagnostics.Problem;
import org.teavm.diagnostics.ProblemSeverity;
import org.teavm.model.CallLocation;
import org.teavm.model.TextLocation;

/** TeaVM's problems in words for the author. */
final class Problems {
    private Problems() {}

    static void add(Problem problem, Report report) {
        DefaultProblemTextConsumer text = new DefaultProblemTextConsumer();
        problem.render(text);
        CallLocation location = problem.getLocation();
        TextLocation source = location == null ? null : location.getSourceLocation();
        String file = source == null ? null : source.getFileName();
        Long line = source == null || source.getLine() <= 0 ? null : (long) source.getLine();
        String method = location == null || location.getMethod() == null
            ? null
            : location.getMethod().getClassName() + "." + location.getMethod().getName();
        boolean error = problem.getSeverity() == ProblemSeverity.ERROR;
        report.add(new Diagnostic(error, file, line, null, method, text.getText(), null));
    }
}
