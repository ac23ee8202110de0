package millrace.compiler;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Fits TeaVM's C to 32-bit WebAssembly and arranges it in compilation units.
 *
 * <p>Invariant: a replaced text that is not there is a failure: a new version of TeaVM is looked at, not guessed.
 */
final class GeneratedC {
    private static final Pattern SPILLED_POINTER = Pattern.compile("volatile (\\w+\\*) teavm_spill_");

    /** How an array is cloned: TeaVM asks whether the array is primitive, which none is, instead of what is in it. */
    private static final String CLONE = "Object_cloneLowLevel(void* teavm_local_1) {";
    private static final Pattern ITEM_SIZE = Pattern.compile(
        "isPrimitive\\((\\w+)\\)\\) \\? sizeof\\(void\\*\\) : (TEAVM_FIELD\\(TEAVM_FIELD\\(\\1, TeaVM_Class, itemType\\), TeaVM_Class, size\\))");

    private GeneratedC() {}

    static void adapt(Path folder) throws IOException {
        // Objects are aligned to 8 bytes and arrays have a header of 16, so that the data of an array lies at the same
        // offset always: TeaVM computes it from the address, and the data of longs would move with their array.
        replace(folder.resolve("core.h"),
            "    TeaVM_Object parent;\n    int32_t size;\n} TeaVM_Array;",
            "    TeaVM_Object parent;\n    int32_t size;\n    int32_t padding;\n} TeaVM_Array;");
        replace(folder.resolve("core.h"),
            "#define TEAVM_ALIGN(addr, alignment) ((void*) (((uintptr_t) (addr) + ((alignment) - 1)) / (alignment) * (alignment)))",
            "#define TEAVM_ALIGNMENT(alignment) ((alignment) == 4 ? 8 : (alignment))\n"
                + "#define TEAVM_ALIGN(addr, alignment) ((void*) (((uintptr_t) (addr) + (TEAVM_ALIGNMENT(alignment) - 1))"
                + " & ~(uintptr_t) (TEAVM_ALIGNMENT(alignment) - 1)))");
        replace(folder.resolve("core.h"),
            "#define TEAVM_ARRAY_DATA(array, type) ((type*) TEAVM_ALIGN((((TeaVM_Array*) (array)) + 1), sizeof(type)))",
            "#define TEAVM_ARRAY_DATA(array, type) ((type*) (((TeaVM_Array*) (array)) + 1))");
        // A function that finds the stack used up throws.
        replace(folder.resolve("stack.h"),
            "        teavm_shadowStack.header.next = teavm_stackTop; \\\n        teavm_shadowStack.header.size = (sz); \\\n",
            "        if (__builtin_expect((uintptr_t) &teavm_shadowStack < millrace_stack_limit, 0)) millrace_stack_overflow(); \\\n"
                + "        teavm_shadowStack.header.next = teavm_stackTop; \\\n"
                + "        teavm_shadowStack.header.size = (sz); \\\n");
        replace(folder.resolve("stack.h"), "#include <stdint.h>", "#include <stdint.h>\n#include <millrace.h>");
        // Classes are named by their address divided by 8; those of arrays that are made while running, too.
        replace(folder.resolve("arrayclass.c"),
            "static TEAVM_OBJECT_CLASS teavm_dynamicClassPool[TEAVM_DYNAMIC_CLASS_POOL_CAPACITY];",
            "typedef struct { alignas(8) TEAVM_OBJECT_CLASS cls; } TeaVM_AlignedClass;\n"
                + "static TeaVM_AlignedClass teavm_dynamicClassPool[TEAVM_DYNAMIC_CLASS_POOL_CAPACITY];");
        replace(folder.resolve("arrayclass.c"),
            "TEAVM_OBJECT_CLASS* ptr = &teavm_dynamicClassPool[teavm_dynamicClassPoolSize++];",
            "TEAVM_OBJECT_CLASS* ptr = &teavm_dynamicClassPool[teavm_dynamicClassPoolSize++].cls;");
        replace(folder.resolve("arrayclass.c"),
            "return &teavm_dynamicClassPool[index].parent;",
            "return &teavm_dynamicClassPool[index].cls.parent;");
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : (Iterable<Path>) files.filter(file -> file.toString().endsWith(".c"))::iterator) {
                adaptCode(file);
            }
        }
        CUnits.write(folder);
    }

    private static void adaptCode(Path file) throws IOException {
        String content = Files.readString(file);
        // What a handler reads lies in variables that longjmp must leave alone: the variable is volatile, not what it points
        // to. Numbers are declared right; pointers would come back with whatever a register held.
        String adapted = SPILLED_POINTER.matcher(content).replaceAll("$1 volatile teavm_spill_");
        if (adapted.contains(CLONE)) {
            Matcher size = ITEM_SIZE.matcher(adapted);
            if (!size.find()) {
                throw new IllegalStateException("TeaVM's way to clone arrays has changed");
            }
            adapted = size.replaceAll("isPrimitive(TEAVM_FIELD($1, TeaVM_Class, itemType))) ? sizeof(void*) : $2");
        }
        if (!adapted.equals(content)) {
            Files.writeString(file, adapted);
        }
    }

    private static void replace(Path file, String text, String by) throws IOException {
        String content = Files.readString(file);
        if (!content.contains(text)) {
            throw new IllegalStateException("TeaVM's " + file.getFileName() + " has changed, expected: " + text);
        }
        Files.writeString(file, content.replace(text, by));
    }
}
