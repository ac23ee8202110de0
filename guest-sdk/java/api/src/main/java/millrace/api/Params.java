package millrace.api;

import java.util.AbstractMap;
import java.util.Collections;
import java.util.Map;
import java.util.Set;

/**
 * Parameters of a node, as the job's page has them: text by name.
 *
 * <p>Also a {@link Map}, so that code which expects one works; a component can only look names up, so there the map does
 * not list them.
 */
public class Params extends AbstractMap<String, String> {
    private final Map<String, String> values;

    /** No parameters. */
    public Params() {
        this(Collections.emptyMap());
    }

    /** These parameters. */
    public Params(Map<String, String> values) {
        this.values = values;
    }

    /** The value, null if it is not set. */
    public String find(String name) {
        return values.get(name);
    }

    @Override
    public final String get(Object name) {
        return name instanceof String ? find((String) name) : null;
    }

    @Override
    public final boolean containsKey(Object name) {
        return get(name) != null;
    }

    /** The value, or another one if it is not set. */
    public final String get(String name, String otherwise) {
        String value = find(name);
        return value == null ? otherwise : value;
    }

    /** The value; an {@link IllegalArgumentException} if it is not set. */
    public final String require(String name) {
        String value = find(name);
        if (value == null) {
            throw new IllegalArgumentException("parameter `" + name + "` is not set");
        }
        return value;
    }

    /** The value as a whole number. */
    public final long getLong(String name, long otherwise) {
        String value = find(name);
        if (value == null) {
            return otherwise;
        }
        try {
            return Long.parseLong(value.trim());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("parameter `" + name + "` must be a whole number, found `" + value + "`");
        }
    }

    /** The value as a number. */
    public final double getDouble(String name, double otherwise) {
        String value = find(name);
        if (value == null) {
            return otherwise;
        }
        try {
            return Double.parseDouble(value.trim());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("parameter `" + name + "` must be a number, found `" + value + "`");
        }
    }

    /** The value as {@code true} or {@code false}. */
    public final boolean getBoolean(String name, boolean otherwise) {
        String value = find(name);
        if (value == null) {
            return otherwise;
        }
        switch (value.trim().toLowerCase()) {
            case "true":
                return true;
            case "false":
                return false;
            default:
                throw new IllegalArgumentException("parameter `" + name + "` must be true or false, found `" + value + "`");
        }
    }

    @Override
    public Set<Entry<String, String>> entrySet() {
        return Collections.unmodifiableMap(values).entrySet();
    }
}
