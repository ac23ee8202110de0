package millrace.runtime;

import millrace.runtime.Memory.Text;

/** Does something for each row of a batch: what is thrown is the fault of its row, and the node's policy decides about it. */
final class EachRow {
    /** What is done. */
    interface Work {
        void row(InputRow row) throws Exception;
    }

    private final InputRow input;
    private final int rows;
    private final Output output;
    private final Work work;
    /** Rows of the answer that stand whatever becomes of the current row. */
    private int complete;

    private EachRow(InputRow input, int rows, Output output, Work work) {
        this.input = input;
        this.rows = rows;
        this.output = output;
        this.work = work;
    }

    /**
     * Goes through so many rows.
     *
     * @param output what rows are collected in, null if nothing is
     * @return 0, or the address of a `result` that is the fault of a row
     */
    static int run(InputRow input, int rows, Output output, Work work) {
        return new EachRow(input, rows, output, work).run();
    }

    private int run() {
        while (input.row < rows) {
            // One handler for many rows: an exception costs, a row without one does not.
            try {
                goOn();
            } catch (Throwable thrown) {
                if (output != null) {
                    output.truncate(complete);
                }
                String message = Faults.text(thrown);
                Text text = Memory.text(message);
                if (Host.rejectRow(input.row, text.at, text.length) == 0) {
                    int result = Memory.allocate(4, Answers.RESULT_BYTES);
                    Memory.writeByte(result, 1);
                    Faults.write(result + 4, message, input.row);
                    return result;
                }
                input.row++;
            }
        }
        return 0;
    }

    private void goOn() throws Exception {
        while (input.row < rows) {
            complete = output == null ? 0 : output.rows();
            work.row(input);
            input.row++;
        }
    }
}
