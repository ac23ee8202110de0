package millrace.api;

import java.util.List;

/** A custom operator with one or more inputs and state of its own. */
public abstract class TableOperateProcessor extends Contextual {
    /** Parameters of the node: another name of {@link #params}. */
    protected Params configs = params;

    /** Its inputs, in the graph's order: columns as a JSON Schema each. */
    protected List<String> children = List.of();

    /** Sets what the host gives. Called once, before {@link #innerBuild}. */
    public final void attach(Context context, List<String> children) {
        attach(context);
        this.configs = context.params();
        this.children = children;
    }

    /** Prepares the operator. Called once, before anything else. */
    public void innerBuild() throws Exception {}

    /** Columns of the output as a JSON Schema, as {@link ETLFunction#tableSchema}; called after {@link #innerBuild}. */
    public abstract String tableSchema();

    /** Takes a record of an input, counted from 0. */
    public abstract void process(int input, Row row, Collector<Row> out) throws Exception;

    /** Event time has reached this on all inputs: milliseconds since 1970. */
    public void watermark(long timeMs, Collector<Row> out) throws Exception {}

    /** All inputs have ended. */
    public void finish(Collector<Row> out) throws Exception {}

    /** The state, part of checkpoints and savepoints. */
    public byte[] snapshot() throws Exception {
        return new byte[0];
    }

    /** Takes states of subtasks of an earlier run that this one now stands for; before any record. */
    public void restore(List<byte[]> states) throws Exception {}
}
