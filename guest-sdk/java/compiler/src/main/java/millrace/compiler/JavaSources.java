package millrace.compiler;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/** The Java compiler, annotation processors off. */
final class JavaSources {
    private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();

    /** Text as a file. */
    private static final class Text extends SimpleJavaFileObject {
        private final Request.Source source;

        Text(Request.Source source) {
            super(uri(source.path()), Kind.SOURCE);
            this.source = source;
        }

        private static URI uri(String path) {
            try {
                return new URI("text", null, "/" + path, null);
            } catch (java.net.URISyntaxException e) {
                throw new BuildFailure("`" + path + "` is not a file name", null);
            }
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return source.text();
        }
    }

    /** Compiles into a folder; errors and warnings go to the report. */
    void compile(List<Request.Source> sources, List<Path> classPath, Path into, Report report) throws IOException {
        List<Text> files = new ArrayList<>();
        for (Request.Source source : sources) {
            files.add(new Text(source));
        }
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        try (StandardJavaFileManager manager = compiler.getStandardFileManager(found, Locale.ENGLISH, StandardCharsets.UTF_8)) {
            manager.setLocationFromPaths(StandardLocation.CLASS_PATH, classPath);
            manager.setLocationFromPaths(StandardLocation.CLASS_OUTPUT, List.of(into));
            // -Xlint:-options: the class files are of Java 17 whatever runs here.
            List<String> options = List.of("-proc:none", "-source", "17", "-target", "17", "-g", "-parameters", "-Xlint:-options");
            boolean done = compiler.getTask(null, manager, found, options, null, files).call();
            boolean said = found.getDiagnostics().stream().anyMatch(d -> d.getKind() == javax.tools.Diagnostic.Kind.ERROR);
            if (!done && !said) {
                // Out of memory or stack, which javac catches itself and writes to the console only.
                report.error(Diagnostic.error("the Java compiler gave up: the code is nested too deeply, or too large for its memory"));
            }
        }
        for (javax.tools.Diagnostic<? extends JavaFileObject> diagnostic : found.getDiagnostics()) {
            add(diagnostic, report);
        }
    }

    private static void add(javax.tools.Diagnostic<? extends JavaFileObject> diagnostic, Report report) {
        boolean error = diagnostic.getKind() == javax.tools.Diagnostic.Kind.ERROR;
        if (!error && diagnostic.getKind() != javax.tools.Diagnostic.Kind.MANDATORY_WARNING
            && diagnostic.getKind() != javax.tools.Diagnostic.Kind.WARNING) {
            return;
        }
        String file = diagnostic.getSource() instanceof Text text ? text.source.path() : null;
        Long line = diagnostic.getLineNumber() > 0 ? diagnostic.getLineNumber() : null;
        Long column = diagnostic.getColumnNumber() > 0 ? diagnostic.getColumnNumber() : null;
        report.add(new Diagnostic(error, file, line, column, null, diagnostic.getMessage(Locale.ENGLISH), null));
    }
}
