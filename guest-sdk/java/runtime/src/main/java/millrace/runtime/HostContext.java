package millrace.runtime;

import millrace.api.Capabilities;
import millrace.api.Context;
import millrace.api.Dimensions;
import millrace.api.Logger;
import millrace.api.Params;
import millrace.runtime.Memory.Text;

/** What tenant code is given, over the host's functions. */
final class HostContext extends Context {
    private final Params params = new HostParams();
    private final Logger logger = new HostLogger();
    private Dimensions dimensions;
    private Capabilities capabilities;

    /** Makes the log that everything writes to. */
    HostContext() {
        Logger.ofJob(logger);
    }

    @Override
    public Params params() {
        return params;
    }

    @Override
    public Logger logger() {
        return logger;
    }

    @Override
    public Dimensions dimensions() {
        if (dimensions == null) {
            dimensions = new HostDimensions();
        }
        return dimensions;
    }

    @Override
    public Capabilities capabilities() {
        if (capabilities == null) {
            capabilities = new HostCapabilities();
        }
        return capabilities;
    }

    @Override
    public void count(String counter, long delta) {
        Text name = Memory.text(counter);
        Host.counterAdd(name.at, name.length, delta);
    }

    @Override
    public long randomSeed() {
        return Host.randomSeed();
    }

    @Override
    public boolean reject(int row, String message) {
        Text text = Memory.text(message);
        return Host.rejectRow(row, text.at, text.length) != 0;
    }

    private static final class HostParams extends Params {
        @Override
        public String find(String name) {
            Text text = Memory.text(name);
            int ret = Memory.allocate(4, 12);
            Host.parameter(text.at, text.length, ret);
            return Memory.readByte(ret) == 0 ? null : Memory.stringAt(ret + 4);
        }
    }

    private static final class HostLogger extends Logger {
        @Override
        protected void write(Level level, String line) {
            Text text = Memory.text(line == null ? "null" : line);
            Host.log(level.ordinal(), text.at, text.length);
        }
    }
}
