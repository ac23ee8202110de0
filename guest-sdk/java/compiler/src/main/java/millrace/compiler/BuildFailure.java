package millrace.compiler;

/** Ends a build: something of the request cannot be built. */
final class BuildFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Diagnostic diagnostic;

    BuildFailure(Diagnostic diagnostic) {
        super(diagnostic.message());
        this.diagnostic = diagnostic;
    }

    BuildFailure(String message, String help) {
        this(Diagnostic.error(message, help));
    }

    Diagnostic diagnostic() {
        return diagnostic;
    }
}
