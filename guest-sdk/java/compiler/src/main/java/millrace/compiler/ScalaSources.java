package millrace.compiler;

import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.internal.util.BatchSourceFile;
import scala.reflect.internal.util.Position;
import scala.reflect.internal.util.SourceFile;
import scala.tools.nsc.Global;
import scala.tools.nsc.Settings;
import scala.tools.nsc.reporters.StoreReporter;

/** The Scala compiler. One stays loaded for as long as the class path is the same. */
final class ScalaSources {
    private String classPath;
    private Global global;
    private Settings settings;
    private StoreReporter reporter;

    void compile(List<Request.Source> sources, List<Path> paths, Path into, Report report) {
        String wanted = paths.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
        if (!wanted.equals(classPath)) {
            load(wanted);
        }
        reporter.reset();
        settings.outputDirs().setSingleOutput(into.toString());
        List<SourceFile> files = sources.stream()
            .map(source -> (SourceFile) new BatchSourceFile(source.path(), CollectionConverters.asScala(
                source.text().chars().mapToObj(c -> (Object) (char) c).toList()).toSeq()))
            .toList();
        Global.Run run = global.new Run();
        run.compileSources(CollectionConverters.asScala(files).toList());
        for (StoreReporter.Info info : CollectionConverters.asJava(reporter.infos())) {
            add(info, report);
        }
    }

    private void load(String wanted) {
        settings = new Settings();
        settings.classpath().value_$eq(wanted);
        settings.usejavacp().value_$eq(false);
        settings.processArgumentString("-deprecation -feature -release 17");
        reporter = new StoreReporter(settings);
        global = new Global(settings, reporter);
        classPath = wanted;
    }

    private static void add(StoreReporter.Info info, Report report) {
        Position position = info.pos();
        boolean error = info.severity() == reporterError();
        if (!position.isDefined()) {
            report.add(new Diagnostic(error, null, null, null, null, info.msg(), null));
            return;
        }
        report.add(new Diagnostic(
            error, position.source().path(), (long) position.line(), (long) position.column(), null, info.msg(), null));
    }

    private static Object reporterError() {
        return scala.reflect.internal.Reporter.ERROR$.MODULE$;
    }
}
