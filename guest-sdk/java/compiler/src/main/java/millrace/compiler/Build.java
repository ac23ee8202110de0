package millrace.compiler;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The steps from a request to a C program. */
final class Build {
    private final Toolchain toolchain;
    private final JavaSources java = new JavaSources();
    private final CProgram program;
    private ScalaSources scala;

    Build(Toolchain toolchain) {
        this.toolchain = toolchain;
        List<Path> libraries = new ArrayList<>(toolchain.runtime());
        libraries.addAll(toolchain.library());
        libraries.addAll(toolchain.sdk());
        libraries.addAll(toolchain.scala());
        program = new CProgram(libraries);
    }

    void run(Request request, Report report) throws Exception {
        Path compiled = Files.createDirectories(request.folder().resolve("classes"));
        Path entryClasses = Files.createDirectories(request.folder().resolve("entry"));
        List<Path> jars = new ArrayList<>();
        request.jars().forEach(jar -> jars.add(jar.path()));
        if (!request.sources().isEmpty()) {
            compileSources(request, jars, compiled, report);
            if (report.failed()) {
                return;
            }
        }
        List<Path> tenant = new ArrayList<>(List.of(compiled));
        tenant.addAll(jars);
        List<Path> visible = new ArrayList<>(tenant);
        visible.addAll(toolchain.sdk());
        visible.addAll(toolchain.scala());
        String[] entry = new String[1];
        report.step("entry", () -> {
            try (TenantClasses classes = new TenantClasses(visible)) {
                Class<?> function = classes.find(request, compiled);
                report.built(function.getName());
                entry[0] = EntryClass.fullName(function);
                List<Path> all = new ArrayList<>(visible);
                all.addAll(toolchain.runtime());
                compileEntry(EntryClass.source(request.world(), function, NamedClasses.in(tenant)), all, entryClasses);
            }
        });
        if (report.failed()) {
            return;
        }
        List<Path> own = new ArrayList<>(List.of(entryClasses));
        own.addAll(tenant);
        Path c = request.folder().resolve("c");
        report.step("teavm", () -> program.generate(request.world(), entry[0], own, c, report));
    }

    /** The entry class is ours: what its compiler says is not the tenant's to read, except that it cannot be called. */
    private void compileEntry(Request.Source entry, List<Path> classPath, Path into) throws Exception {
        Report own = new Report();
        java.compile(List.of(entry), classPath, into, own);
        if (own.failed()) {
            throw new BuildFailure("the class cannot be called: " + own.firstError(), "Classes and methods that are used must be public.");
        }
    }

    private void compileSources(Request request, List<Path> jars, Path into, Report report) throws Exception {
        List<Path> classPath = new ArrayList<>(jars);
        classPath.addAll(toolchain.sdk());
        if (request.scala()) {
            classPath.addAll(toolchain.scala());
            report.step("scalac", () -> {
                if (scala == null) {
                    scala = new ScalaSources();
                }
                scala.compile(request.sources(), classPath, into, report);
            });
        } else {
            report.step("javac", () -> java.compile(request.sources(), classPath, into, report));
        }
    }
}
