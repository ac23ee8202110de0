package millrace.api;

import java.util.List;

/** Reads a system that Millrace does not know, over granted capabilities. */
public abstract class SourceOperator extends Contextual {
    /** What {@link #poll} answers. */
    public static final class Next {
        /** Ask again at once. */
        public static final Next READY = new Next(0, false, null);
        /** Nothing will come any more. */
        public static final Next FINISHED = new Next(0, true, null);

        private final int waitMs;
        private final boolean finished;
        private final Long watermarkMs;

        private Next(int waitMs, boolean finished, Long watermarkMs) {
            this.waitMs = waitMs;
            this.finished = finished;
            this.watermarkMs = watermarkMs;
        }

        /** Nothing now: ask again after so many milliseconds. */
        public static Next waiting(int waitMs) {
            return new Next(waitMs, false, null);
        }

        /** The same, and no later row is older than this, in milliseconds since 1970. */
        public Next withWatermark(long watermarkMs) {
            return new Next(waitMs, finished, watermarkMs);
        }

        /** Milliseconds until the next call; 0: at once. */
        public int waitMs() {
            return waitMs;
        }

        /** Whether nothing will come any more. */
        public boolean finished() {
            return finished;
        }

        /** The watermark; null: no change. */
        public Long watermarkMs() {
            return watermarkMs;
        }
    }

    /** Columns that it gives as a JSON Schema, as {@link ETLFunction#tableSchema}. */
    public abstract String tableSchema();

    /**
     * Called once.
     *
     * @param restored what {@link #position} of the subtasks of an earlier run answered that this one now stands for
     */
    public abstract void open(Place place, List<byte[]> restored) throws Exception;

    /** Gives at most {@code rowsMax} rows. Not called while the job cannot take more. */
    public abstract Next poll(int rowsMax, Collector<Row> out) throws Exception;

    /** Where a later run must go on so that no row is lost or doubled. */
    public abstract byte[] position() throws Exception;

    /** The checkpoint is durable: what it covers may be acknowledged. */
    public void committed(long checkpoint) throws Exception {}
}
