package millrace.compiler;

import org.teavm.diagnostics.DefaultProblemTextConsumer;
import org.teavm.diagnostics.Problem;
import org.teavm.diagnostics.ProblemSeverity;
import org.teavm.model.CallLocation;
import org.teavm.model.TextLocation;

/** TeaVM's problems in words for the author. */
final class Problems {
    /** Start of a name, and what to do instead; the first that fits is taken. */
    private static final String[][] INSTEAD = {
        {"java.net.", "A component has no network: use context.capabilities().http(...), which an administrator grants."},
        {"java.sql.", "A component has no network: read tables as sources or dimension tables of the job."},
        {"javax.sql.", "A component has no network: read tables as sources or dimension tables of the job."},
        {"java.util.concurrent.", "A component has one thread: the job's parallelism replaces others."},
        {"java.lang.Thread.", "A component has one thread: the job's parallelism replaces others."},
        {"java.lang.Process", "A component starts no processes."},
        {"java.lang.System.exit", "Throw an exception: it is the fault of one record."},
        {"java.lang.Runtime.", "A component has no process of its own."},
        {"java.lang.Class.", "A component has no reflection: name classes and members in the code."},
        {"java.lang.reflect.", "A component has no reflection: name classes and members in the code."},
        {"java.lang.invoke.", "A component has no method handles: use lambdas."},
        {"java.io.File", "A component has no files: use context.capabilities(), whose folders an administrator grants."},
        {"java.nio.file.", "A component has no files: use context.capabilities(), whose folders an administrator grants."},
    };

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
        report.add(new Diagnostic(error, file, line, null, method, text.getText(), help(text.getText())));
    }

    /** What to do instead, by what is missing. */
    private static String help(String message) {
        if (!message.contains("was not found")) {
            return null;
        }
        for (String[] rule : INSTEAD) {
            if (message.contains(" " + rule[0])) {
                return rule[1];
            }
        }
        return "A component does not have this; docs/java-library.md says what it has. A JAR that is needed may be missing.";
    }
}
