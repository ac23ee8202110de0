package millrace.classlib;

import org.teavm.dependency.BootstrapMethodSubstitutor;
import org.teavm.dependency.DynamicCallSite;
import org.teavm.model.MethodReference;
import org.teavm.model.ValueType;
import org.teavm.model.emit.ProgramEmitter;
import org.teavm.model.emit.ValueEmitter;

/** Symbols of Scala, which its compiler has made by a method handle. */
final class SymbolLiterals implements BootstrapMethodSubstitutor {
    static final MethodReference BOOTSTRAP = new MethodReference(
        "scala.runtime.SymbolLiteral",
        "bootstrap",
        ValueType.object("java.lang.invoke.MethodHandles$Lookup"),
        ValueType.object("java.lang.String"),
        ValueType.object("java.lang.invoke.MethodType"),
        ValueType.object("java.lang.String"),
        ValueType.object("java.lang.invoke.CallSite"));

    @Override
    public ValueEmitter substitute(DynamicCallSite callSite, ProgramEmitter body) {
        String name = callSite.getBootstrapArguments().get(0).getString();
        return body.getField("scala.Symbol$", "MODULE$", ValueType.object("scala.Symbol$"))
            .invokeVirtual("apply", ValueType.object("scala.Symbol"), body.constant(name));
    }
}
