package millrace.runtime;

import org.teavm.interop.Address;
import org.teavm.interop.Import;
import org.teavm.interop.Unmanaged;
import org.teavm.interop.c.Include;

/**
 * Columns of a batch without objects: a head and a cell per column in linear memory, see `cells.h`. Rows ask here first;
 * what is not here, because of its type or its nulls, is asked of the {@link Column}.
 *
 * <p>Invariant: cells live for one call, like everything from {@link Memory#allocate}; columns tell their cell whenever
 * their values move.
 */
@Include("millrace.h")
final class Cells {
    private static final int HEAD_BYTES = 8;
    private static final int CELL_BYTES = 24;

    private Cells() {}

    /** Makes cells for a call; each column knows its own from now on. */
    static int place(Column[] columns) {
        int cells = Memory.allocate(4, HEAD_BYTES + columns.length * CELL_BYTES);
        Memory.writeInt(cells, columns.length);
        Memory.writeInt(cells + 4, 0);
        int cell = cells + HEAD_BYTES;
        for (Column column : columns) {
            Memory.writeInt(cell, column.type.code);
            placed(cell, 0, 0);
            Memory.writeInt(cell + 12, -1);
            placedBytes(cell, 0, 0);
            column.cell = cell;
            cell += CELL_BYTES;
        }
        return cells;
    }

    /** Cells of rows that have none. */
    @Import(name = "millrace_cells_none")
    @Unmanaged
    static native int none();

    /** Where the values and the validity bits of a cell's column lie. */
    @Import(name = "millrace_cell_place")
    @Unmanaged
    static native void placed(int cell, int data, int validity);

    /** Where the bytes of a text column lie, and how much room they have. */
    @Import(name = "millrace_cell_place_bytes")
    @Unmanaged
    static native void placedBytes(int cell, int bytes, int room);

    // Reading.

    /** Whether the column is there and of this type, and the row is not null. */
    @Import(name = "millrace_cell_has")
    @Unmanaged
    static native boolean has(int cells, int index, int type, int row);

    /** 1: null; 0: not null; −1: there is no such column. */
    @Import(name = "millrace_cell_null")
    @Unmanaged
    static native int isNull(int cells, int index, int row);

    @Import(name = "millrace_cell_boolean")
    @Unmanaged
    static native boolean booleanAt(int cells, int index, int row);

    @Import(name = "millrace_cell_int")
    @Unmanaged
    static native int intAt(int cells, int index, int row);

    @Import(name = "millrace_cell_long")
    @Unmanaged
    static native long longAt(int cells, int index, int row);

    @Import(name = "millrace_cell_double")
    @Unmanaged
    static native double doubleAt(int cells, int index, int row);

    /**
     * The text, a string; null if it is not here, is null or empty, or the collector has to make room first. TeaVM takes what
     * is declared as a string for one of C.
     */
    @Import(name = "millrace_cell_text")
    @Unmanaged
    static native Object textAt(int cells, int index, int row);

    // Writing: true if it is done.

    @Import(name = "millrace_cell_put_int")
    @Unmanaged
    static native boolean put(int cells, int index, int row, int value);

    @Import(name = "millrace_cell_put_long")
    @Unmanaged
    static native boolean put(int cells, int index, int row, long value);

    @Import(name = "millrace_cell_put_double")
    @Unmanaged
    static native boolean put(int cells, int index, int row, double value);

    @Import(name = "millrace_cell_put_text")
    @Unmanaged
    static native boolean putText(int cells, int index, int row, Address string);

    /** Counts the column as one that is set in this row. */
    @Import(name = "millrace_cell_touch")
    @Unmanaged
    static native void touch(int cells, int index, int row);

    @Import(name = "millrace_cell_is_set")
    @Unmanaged
    static native boolean isSet(int cells, int index, int row);

    /** Number of columns of the row that are set. */
    @Import(name = "millrace_cells_set")
    @Unmanaged
    static native int set(int cells);

    /** Whether all columns of the row are set; then none is. */
    @Import(name = "millrace_cells_complete")
    @Unmanaged
    static native boolean complete(int cells);

    /** No column is set. */
    @Import(name = "millrace_cells_forget")
    @Unmanaged
    static native void forget(int cells);

    /** The position of a string in an array, by identity; −1 if it is not there. */
    @Import(name = "millrace_find")
    @Unmanaged
    static native int find(Address strings, Address string);
}
