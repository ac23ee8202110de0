package millrace.compiler;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.teavm.backend.c.CTarget;
import org.teavm.backend.c.generate.CNameProvider;
import org.teavm.backend.c.generate.ShorteningFileNameProvider;
import org.teavm.backend.c.generate.SimpleFileNameProvider;
import org.teavm.cache.AlwaysStaleCacheStatus;
import org.teavm.cache.EmptyProgramCache;
import org.teavm.dependency.PreciseDependencyAnalyzer;
import org.teavm.diagnostics.Problem;
import org.teavm.parsing.resource.ResourceProvider;
import org.teavm.vm.DirectoryBuildTarget;
import org.teavm.vm.TeaVM;
import org.teavm.vm.TeaVMBuilder;
import org.teavm.vm.TeaVMOptimizationLevel;

/**
 * TeaVM: from class files to C.
 *
 * <p>Invariant: plugins of TeaVM come from our own class loader, which knows nothing of a tenant.
 */
final class CProgram {
    private static final int HEAP_BYTES_MIN = 4 << 20;
    /** Of the 64 MiB that an instance has; the rest is for batches and the collector's own tables. */
    private static final int HEAP_BYTES_MAX = 40 << 20;
    /** Of the 256 MiB that an aggregate function has: all groups of a subtask lie in it. */
    private static final int AGGREGATE_HEAP_BYTES_MAX = 200 << 20;

    private final LibraryClasses library;

    /** What TeaVM reads class files from: these folders and archives, and behind them those of a tenant. */
    CProgram(List<Path> libraries) {
        library = new LibraryClasses(libraries);
    }

    /**
     * Writes the program to a folder; problems go to the report.
     *
     * @param tenant where the tenant's classes lie, and the entry class. Class files come from there and from the libraries, and
     *     from nowhere else: the JDK's classes are not there, so what TeaVM's library lacks is missing at the tenant's call, not
     *     somewhere deep inside the JDK.
     */
    void generate(World world, String entry, List<Path> tenant, Path into, Report report) throws IOException {
        library.nextBuild();
        TeaVM vm;
        try {
            vm = translate(world, entry, tenant, into);
        } catch (OutOfMemoryError e) {
            if (!library.isWarm()) {
                throw e;
            }
            library.forget();
            vm = translate(world, entry, tenant, into);
        }
        for (Problem problem : vm.getProblemProvider().getProblems()) {
            Problems.add(problem, report);
        }
        if (!report.failed()) {
            GeneratedC.adapt(into);
        }
    }

    private TeaVM translate(World world, String entry, List<Path> tenant, Path into) {
        ResourceProvider files = library.filesBefore(tenant);
        try {
            TeaVM vm = new TeaVMBuilder(target(world))
                .setReferenceCache(library.references())
                .setClassLoader(CProgram.class.getClassLoader())
                .setClassSource(library.classesBefore(files))
                .setResourceProvider(files)
                .setDependencyAnalyzerFactory(PreciseDependencyAnalyzer::new)
                .setObfuscated(false)
                .setStrict(true)
                .build();
            vm.setOptimizationLevel(TeaVMOptimizationLevel.ADVANCED);
            vm.setProgramCache(EmptyProgramCache.INSTANCE);
            vm.setCacheStatus(AlwaysStaleCacheStatus.INSTANCE);
            vm.installPlugins();
            vm.add(new MachineChecks());
            vm.add(new FastStrings());
            vm.setEntryPoint(entry);
            vm.setEntryPointName("main");
            build(vm, into);
            return vm;
        } finally {
            files.close();
        }
    }

    private static CTarget target(World world) {
        CTarget target = new CTarget(new CNameProvider());
        target.setMinHeapSize(HEAP_BYTES_MIN);
        target.setMaxHeapSize(world == World.AGGREGATE_FUNCTION ? AGGREGATE_HEAP_BYTES_MAX : HEAP_BYTES_MAX);
        target.setLineNumbersGenerated(false);
        target.setHeapDump(false);
        target.setObfuscated(false);
        target.setFileNames(new ShorteningFileNameProvider(new SimpleFileNameProvider()));
        return target;
    }

    /** TeaVM breaks down on some of what it does not support instead of reporting it: then it is the program that is told. */
    private static void build(TeaVM vm, Path into) {
        try {
            vm.build(new DirectoryBuildTarget(into.toFile()), "");
        } catch (RuntimeException | AssertionError e) {
            e.printStackTrace();
            throw new BuildFailure("the program cannot be translated: " + e,
                "It reaches something that components cannot have, for example proxies or other reflection, perhaps by way of a library;"
                    + " docs/java-library.md says what they have.");
        }
    }
}
