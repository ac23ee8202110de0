package millrace.compiler;

import java.lang.annotation.Annotation;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;

/** Reads the annotations of the SDK on a tenant's class: by name, since its classes are not ours. */
final class Hints {
    private static final String PACKAGE = "org.apache.flink.table.annotation.";

    private Hints() {}

    /** The annotation of that name, null if there is none. */
    static Annotation find(Annotation[] annotations, String name) {
        for (Annotation annotation : annotations) {
            if (annotation.annotationType().getName().equals(PACKAGE + name)) {
                return annotation;
            }
        }
        return null;
    }

    static Object member(Annotation annotation, String name) {
        try {
            return annotation.annotationType().getMethod(name).invoke(annotation);
        } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
            throw new BuildFailure("annotation " + annotation + " cannot be read", null);
        }
    }

    /** The type that a hint says; null if it says none. */
    static SqlType type(Annotation hint) {
        if (hint == null) {
            return null;
        }
        if (!member(hint, "inputGroup").toString().equals("UNKNOWN")) {
            throw new BuildFailure("parameters that take any type (InputGroup.ANY) are not supported", "Write one eval method per type.");
        }
        String text = (String) member(hint, "value");
        return text.isEmpty() ? null : SqlTypeText.parse(text);
    }

    /** The type hint of a parameter, field or method. */
    static SqlType type(Annotation[] annotations) {
        SqlType type = type(find(annotations, "DataTypeHint"));
        Annotation argument = find(annotations, "ArgumentHint");
        return type != null || argument == null ? type : type((Annotation) member(argument, "type"));
    }

    /** The function hints of a method or class. */
    static List<Annotation> functionHints(AnnotatedElement element) {
        List<Annotation> hints = new ArrayList<>();
        Annotation single = find(element.getAnnotations(), "FunctionHint");
        if (single != null) {
            hints.add(single);
        }
        Annotation several = find(element.getAnnotations(), "FunctionHints");
        if (several != null) {
            hints.addAll(List.of((Annotation[]) member(several, "value")));
        }
        return hints;
    }

    /** The result type of a function hint; null if it says none. */
    static SqlType output(List<Annotation> hints) {
        for (Annotation hint : hints) {
            SqlType type = type((Annotation) member(hint, "output"));
            if (type != null) {
                return type;
            }
        }
        return null;
    }

    /** The type of a parameter of a function hint; null if it says none. */
    static SqlType input(List<Annotation> hints, int parameter, int parameters) {
        for (Annotation hint : hints) {
            Annotation[] inputs = (Annotation[]) member(hint, "input");
            if (inputs.length == parameters) {
                SqlType type = type(inputs[parameter]);
                if (type != null) {
                    return type;
                }
            }
        }
        return null;
    }
}
