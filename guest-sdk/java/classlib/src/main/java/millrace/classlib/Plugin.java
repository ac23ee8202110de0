package millrace.classlib;

import org.teavm.vm.spi.TeaVMHost;
import org.teavm.vm.spi.TeaVMPlugin;

/** Found by TeaVM through {@code META-INF/services}. */
public final class Plugin implements TeaVMPlugin {
    @Override
    public void install(TeaVMHost host) {
        host.add(new AddedMethods());
        host.add(new ThrowableConstructors());
        host.add(new Withheld());
        host.add(SymbolLiterals.BOOTSTRAP, new SymbolLiterals());
    }
}
