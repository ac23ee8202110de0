package millrace.compiler;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.teavm.diagnostics.Problem;
import org.teavm.tooling.TeaVMTargetType;
import org.teavm.tooling.TeaVMTool;
import org.teavm.tooling.TeaVMToolException;
import org.teavm.vm.TeaVMOptimizationLevel;

/**
 * TeaVM: from class files to C.
 *
 * <p>Invariant: plugins of TeaVM come from our own class loader, which knows nothing of a tenant.
 */
final class CProgram {
    private static final int HEAP_BYTES_MIN = 4 << 20;
    /** Of the 64 MiB that an operator has; the rest is for batches and the collector's own tables. */
    private static final int HEAP_BYTES_MAX = 40 << 20;

    private CProgram() {}

    /**
     * Writes the program to a folder; problems go to the report.
     *
     * @param classPath what TeaVM reads class files from, and from nowhere else: the JDK's classes are not there, so what
     *     TeaVM's library lacks is missing at the tenant's call, not somewhere deep inside the JDK. Earlier places win.
     */
    static void generate(World world, String entry, List<Path> classPath, Path into, Report report)
        throws IOException, TeaVMToolException {
        TeaVMTool tool = new TeaVMTool();
        tool.setTargetType(TeaVMTargetType.C);
        tool.setMainClass(entry);
        tool.setTargetDirectory(into.toFile());
        tool.setTargetFileName("");
        tool.setOptimizationLevel(TeaVMOptimizationLevel.ADVANCED);
        tool.setObfuscated(false);
        tool.setStrict(true);
        tool.setIncremental(false);
        tool.setShortFileNames(true);
        tool.setMinHeapSize(HEAP_BYTES_MIN);
        tool.setMaxHeapSize(HEAP_BYTES_MAX);
        tool.setMinDirectBuffersSize(1 << 16);
        tool.getTransformers().add(MachineChecks.class.getName());
        tool.getTransformers().add(FastStrings.class.getName());
        tool.setClassLoader(CProgram.class.getClassLoader());
        tool.setClassPath(classPath.stream().map(Path::toFile).toList());
        translate(tool);
        for (Problem problem : tool.getProblemProvider().getProblems()) {
            Problems.add(problem, report);
        }
        if (!report.failed()) {
            GeneratedC.adapt(into);
        }
    }

    /** TeaVM breaks down on some of what it does not support instead of reporting it: then it is the program that is told. */
    private static void translate(TeaVMTool tool) throws TeaVMToolException {
        try {
            tool.generate();
        } catch (RuntimeException | AssertionError e) {
            e.printStackTrace();
            throw new BuildFailure("the program cannot be translated: " + e,
                "It reaches something that components cannot have, for example proxies or other reflection, perhaps by way of a library;"
                    + " docs/java-library.md says what they have.");
        }
    }
}
