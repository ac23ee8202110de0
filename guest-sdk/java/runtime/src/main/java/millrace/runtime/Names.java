package millrace.runtime;

import java.util.AbstractList;
import java.util.HashMap;
import java.util.Map;
import org.teavm.interop.Address;

/**
 * Positions of columns by name.
 *
 * <p>Code asks with the same few literals again and again: the literal that was found last for a column is kept, and
 * found again by comparing references.
 */
final class Names extends AbstractList<String> {
    /** More columns than this are looked up in a table. */
    private static final int SCANNED_MAX = 32;

    private final String[] names;
    private final String[] literals;
    private final Map<String, Integer> table;

    Names(Column[] columns) {
        names = new String[columns.length];
        for (int i = 0; i < columns.length; i++) {
            names[i] = columns[i].name;
        }
        // In a wide table a search through all of them is no short cut.
        literals = names.length > SCANNED_MAX ? new String[0] : names.clone();
        table = names.length > SCANNED_MAX ? new HashMap<>() : null;
        for (int i = 0; table != null && i < names.length; i++) {
            table.putIfAbsent(names[i], i);
        }
    }

    /** The position, -1 if there is no such column. */
    int find(String name) {
        int found = Cells.find(Address.ofObject(literals), Address.ofObject(name));
        return found >= 0 ? found : search(name);
    }

    private int search(String name) {
        if (table != null) {
            Integer found = table.get(name);
            return found == null ? -1 : found;
        }
        for (int i = 0; i < names.length; i++) {
            if (names[i].equals(name)) {
                literals[i] = name;
                return i;
            }
        }
        return -1;
    }

    @Override
    public int indexOf(Object name) {
        return name instanceof String ? find((String) name) : -1;
    }

    @Override
    public String get(int index) {
        return names[index];
    }

    @Override
    public int size() {
        return names.length;
    }
}
