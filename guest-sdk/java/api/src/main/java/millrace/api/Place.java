package millrace.api;

/** Which of an operator's subtasks an instance is. */
public final class Place {
    private final int subtask;
    private final int parallelism;

    /** Subtask, from 0, of so many. */
    public Place(int subtask, int parallelism) {
        this.subtask = subtask;
        this.parallelism = parallelism;
    }

    /** From 0. */
    public int subtask() {
        return subtask;
    }

    /** How many there are. */
    public int parallelism() {
        return parallelism;
    }

    /** Whether this subtask takes a piece of the work: every piece is taken by exactly one. */
    public boolean owns(long piece) {
        return Long.remainderUnsigned(piece, parallelism) == subtask;
    }

    @Override
    public String toString() {
        return "subtask " + subtask + " of " + parallelism;
    }
}
