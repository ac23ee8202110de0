package millrace.classlib;

import org.teavm.model.ClassHolder;
import org.teavm.model.ClassHolderTransformer;
import org.teavm.model.ClassHolderTransformerContext;
import org.teavm.model.MethodHolder;
import org.teavm.model.ValueType;
import org.teavm.model.emit.ProgramEmitter;
import org.teavm.model.emit.ValueEmitter;

/**
 * Constructors of Throwable as Java has them: the message of one that is only given a cause is the cause's text, and there
 * is a list of suppressed ones.
 */
final class ThrowableConstructors implements ClassHolderTransformer {
    private static final ValueType THROWABLE = ValueType.object("java.lang.Throwable");
    private static final ValueType STRING = ValueType.object("java.lang.String");

    @Override
    public void transformClass(ClassHolder cls, ClassHolderTransformerContext context) {
        if (!cls.getName().equals("java.lang.Throwable")) {
            return;
        }
        for (MethodHolder method : cls.getMethods().toArray(new MethodHolder[0])) {
            if (method.getName().equals("<init>")) {
                method.setProgram(null);
                write(method, context);
            }
        }
    }

    private static void write(MethodHolder constructor, ClassHolderTransformerContext context) {
        ProgramEmitter body = ProgramEmitter.create(constructor, context.getHierarchy());
        ValueEmitter self = body.var(0, THROWABLE);
        self.invokeSpecial(Object.class, "<init>");
        ValueEmitter suppression = null;
        ValueEmitter writable = null;
        ValueEmitter message = null;
        for (int i = 0; i < constructor.parameterCount(); i++) {
            ValueType type = constructor.parameterType(i);
            ValueEmitter value = body.var(i + 1, type);
            if (type.equals(STRING)) {
                message = value;
            } else if (type.equals(THROWABLE)) {
                self.setField("cause", value);
                if (message == null) {
                    message = body.invoke(Throwables.class, "textOf", String.class, value);
                }
            } else if (suppression == null) {
                suppression = value;
            } else {
                writable = value;
            }
        }
        if (message != null) {
            self.setField("message", message);
        }
        self.setField("suppressionEnabled", suppression == null ? body.constant(1).cast(ValueType.BOOLEAN) : suppression);
        self.setField("writableStackTrace", writable == null ? body.constant(1).cast(ValueType.BOOLEAN) : writable);
        self.setField("suppressed", body.constructArray(THROWABLE, 0));
        self.invokeVirtual("fillInStackTrace", Throwable.class);
        body.exit();
    }
}
