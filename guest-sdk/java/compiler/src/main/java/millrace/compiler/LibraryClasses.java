package millrace.compiler;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.teavm.model.ClassHolderSource;
import org.teavm.model.ClassReader;
import org.teavm.model.ClassReaderSource;
import org.teavm.model.PreOptimizingClassHolderSource;
import org.teavm.model.ReferenceCache;
import org.teavm.parsing.ClasspathClassHolderSource;
import org.teavm.parsing.resource.Resource;
import org.teavm.parsing.resource.ResourceProvider;

/**
 * Classes of the runtime, the SDK and the libraries as TeaVM reads them: read once and kept from build to build, which is
 * half of an ordinary build.
 *
 * <p>Invariant: no build changes what is kept here, TeaVM works on copies; no class of a tenant is kept.
 */
final class LibraryClasses {
    /** What is remembered of names grows with every build: it is forgotten from time to time. */
    private static final int BUILDS_MAX = 100;

    private final ResourceProvider files;
    private ReferenceCache references;
    private ClassHolderSource classes;
    private int builds;

    LibraryClasses(List<Path> classPath) {
        files = files(classPath);
        forget();
    }

    private static ResourceProvider files(List<Path> classPath) {
        return ResourceProvider.ofClassPath(classPath.stream().map(Path::toFile).toList());
    }

    /** Starts afresh. */
    void forget() {
        builds = 0;
        references = new ReferenceCache();
        classes = source(files);
    }

    /** Whether a build before this one has left something. */
    boolean isWarm() {
        return builds > 1;
    }

    /** Tells that a build begins. */
    void nextBuild() {
        if (builds >= BUILDS_MAX) {
            forget();
        }
        builds++;
    }

    ReferenceCache references() {
        return references;
    }

    /** These files, and behind them those of a tenant; closing it closes the tenant's. */
    ResourceProvider filesBefore(List<Path> tenant) {
        ResourceProvider behind = files(tenant);
        return new ResourceProvider() {
            @Override
            public Iterator<Resource> getResources(String name) {
                List<Resource> found = new ArrayList<>();
                files.getResources(name).forEachRemaining(found::add);
                behind.getResources(name).forEachRemaining(found::add);
                return found.iterator();
            }

            @Override
            public void close() {
                behind.close();
            }
        };
    }

    /** These classes, and behind them those of the files: what a tenant brings replaces nothing. */
    ClassReaderSource classesBefore(ResourceProvider all) {
        ClassHolderSource library = classes;
        ClassHolderSource behind = source(all);
        return name -> {
            ClassReader found = library.get(name);
            return found != null ? found : behind.get(name);
        };
    }

    private ClassHolderSource source(ResourceProvider from) {
        return new PreOptimizingClassHolderSource(
            new ClasspathClassHolderSource(from, references, LibraryClasses.class.getClassLoader()));
    }
}
