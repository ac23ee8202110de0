package millrace.api;

/** What all functions and operators of this package have. */
public abstract class Contextual {
    /** Parameters of the node. */
    protected Params params = new Params();

    /** The job's log. */
    protected Logger logger = Logger.ofJob();

    /** Dimension tables of the job. */
    protected Dimensions dac;

    /** Everything that the host gives. */
    protected Context context;

    /** Sets what the host gives. Called once, before {@code open}; tests on a JVM call it with a context of their own. */
    public final void attach(Context context) {
        this.context = context;
        this.params = context.params();
        this.logger = context.logger();
        this.dac = context.dimensions();
    }

    /** Adds to a counter that shows among the operator's metrics. */
    protected final void count(String counter, long delta) {
        if (context != null) {
            context.count(counter, delta);
        }
    }
}
