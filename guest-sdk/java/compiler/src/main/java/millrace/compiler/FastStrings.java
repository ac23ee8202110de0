package millrace.compiler;

import org.teavm.model.AccessLevel;
import org.teavm.model.ClassHolder;
import org.teavm.model.ClassHolderTransformer;
import org.teavm.model.ClassHolderTransformerContext;
import org.teavm.model.MethodDescriptor;
import org.teavm.model.MethodHolder;
import org.teavm.model.MethodReference;
import org.teavm.model.ValueType;
import org.teavm.model.emit.ProgramEmitter;
import org.teavm.model.emit.ValueEmitter;
import org.teavm.model.util.ProgramUtils;

/** `String.toUpperCase()` and `toLowerCase()`: the runtime's way for ASCII text first, TeaVM's for any other. */
public final class FastStrings implements ClassHolderTransformer {
    private static final ValueType STRING = ValueType.object("java.lang.String");

    @Override
    public void transformClass(ClassHolder cls, ClassHolderTransformerContext context) {
        if (cls.getName().equals("java.lang.String")) {
            tryFirst(cls, "toUpperCase", "upper", context);
            tryFirst(cls, "toLowerCase", "lower", context);
        }
    }

    private static void tryFirst(ClassHolder string, String name, String fast, ClassHolderTransformerContext context) {
        MethodHolder method = string.getMethod(new MethodDescriptor(name, STRING));
        if (method == null || method.getProgram() == null) {
            throw new IllegalStateException("TeaVM's String." + name + " has changed");
        }
        MethodHolder slow = new MethodHolder(new MethodDescriptor(name + "OfAny", STRING));
        slow.setLevel(AccessLevel.PUBLIC);
        slow.setProgram(ProgramUtils.copy(method.getProgram()));
        string.addMethod(slow);
        ProgramEmitter body = ProgramEmitter.create(method, context.getHierarchy());
        ValueEmitter self = body.var(0, STRING);
        ValueEmitter found = body.invoke(new MethodReference("millrace.runtime.Letters", fast, STRING, STRING), self);
        body.when(found.isNotNull()).thenDo(found::returnValue);
        self.invokeSpecial(new MethodReference("java.lang.String", slow.getDescriptor())).returnValue();
    }
}
