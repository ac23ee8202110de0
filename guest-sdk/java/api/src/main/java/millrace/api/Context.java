package millrace.api;

/** What a function or an operator is given by the host: set by it before {@code open}; tests set one of their own. */
public abstract class Context {
    /** Parameters of the node. */
    public abstract Params params();

    /** The job's log. */
    public abstract Logger logger();

    /** Dimension tables of the job. */
    public abstract Dimensions dimensions();

    /** What the administrator has granted: HTTP, secrets, folders, the clock. */
    public abstract Capabilities capabilities();

    /** Adds to a counter that shows among the operator's metrics. */
    public abstract void count(String counter, long delta);

    /** A number to seed random numbers with; the same when the instance is made again for the same job, node and subtask. */
    public abstract long randomSeed();

    /** Says that a row of the batch cannot be processed; answers whether to go on with the others. */
    public boolean reject(int row, String message) {
        return false;
    }
}
