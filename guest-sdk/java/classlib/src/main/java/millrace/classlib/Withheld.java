package millrace.classlib;

import java.util.Map;
import java.util.Set;
import org.teavm.model.ClassHolder;
import org.teavm.model.ClassHolderTransformer;
import org.teavm.model.ClassHolderTransformerContext;
import org.teavm.model.MethodHolder;
import org.teavm.model.emit.ProgramEmitter;

/**
 * Takes away what TeaVM's library has but a component cannot do, so that a call of it is an error where it stands: files,
 * threads, and looking up the members of a class.
 */
final class Withheld implements ClassHolderTransformer {
    private static final Set<String> ALL = Set.of();
    private static final Set<String> CONSTRUCTORS = Set.of("<init>");

    /** Methods by class; an empty set stands for all. */
    private static final Map<String, Set<String>> METHODS = Map.ofEntries(
        Map.entry("java.lang.Class", Set.of(
            "getMethods", "getDeclaredMethods", "getMethod", "getDeclaredMethod", "getFields", "getDeclaredFields", "getField",
            "getDeclaredField", "getConstructors", "getDeclaredConstructors", "getConstructor", "getDeclaredConstructor")),
        Map.entry("java.lang.Thread", Set.of("start", "sleep", "join")),
        Map.entry("java.io.FileInputStream", CONSTRUCTORS),
        Map.entry("java.io.FileOutputStream", CONSTRUCTORS),
        Map.entry("java.io.FileReader", CONSTRUCTORS),
        Map.entry("java.io.FileWriter", CONSTRUCTORS),
        Map.entry("java.io.RandomAccessFile", CONSTRUCTORS),
        Map.entry("java.io.File", Set.of(
            "exists", "isFile", "isDirectory", "length", "list", "listFiles", "delete", "mkdir", "mkdirs", "createNewFile", "createTempFile",
            "lastModified", "renameTo", "canRead", "canWrite")),
        Map.entry("java.nio.file.Files", ALL));

    @Override
    public void transformClass(ClassHolder cls, ClassHolderTransformerContext context) {
        Set<String> withheld = METHODS.get(cls.getName());
        if (withheld != null) {
            for (MethodHolder method : cls.getMethods().toArray(new MethodHolder[0])) {
                if (withheld == ALL || withheld.contains(method.getName())) {
                    cls.removeMethod(method);
                }
            }
        }
        if (cls.getName().equals("scala.Enumeration")) {
            // Looks for the names of values that were given none: they stay without.
            for (MethodHolder method : cls.getMethods()) {
                if (method.getName().equals("populateNameMap")) {
                    method.setProgram(null);
                    ProgramEmitter.create(method, context.getHierarchy()).exit();
                }
            }
        }
    }
}
