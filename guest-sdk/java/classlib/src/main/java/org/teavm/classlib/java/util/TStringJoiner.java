package org.teavm.classlib.java.util;

/** {@code java.util.StringJoiner}. */
public final class TStringJoiner {
    private final String delimiter;
    private final String prefix;
    private final String suffix;
    private StringBuilder joined;
    private String empty;

    public TStringJoiner(CharSequence delimiter) {
        this(delimiter, "", "");
    }

    public TStringJoiner(CharSequence delimiter, CharSequence prefix, CharSequence suffix) {
        this.delimiter = delimiter.toString();
        this.prefix = prefix.toString();
        this.suffix = suffix.toString();
    }

    public TStringJoiner setEmptyValue(CharSequence emptyValue) {
        empty = emptyValue.toString();
        return this;
    }

    public TStringJoiner add(CharSequence text) {
        if (joined == null) {
            joined = new StringBuilder();
        } else {
            joined.append(delimiter);
        }
        joined.append(text);
        return this;
    }

    public TStringJoiner merge(TStringJoiner other) {
        if (other.joined != null) {
            add(other.joined.toString());
        }
        return this;
    }

    public int length() {
        return toString().length();
    }

    @Override
    public String toString() {
        if (joined == null && empty != null) {
            return empty;
        }
        return prefix + (joined == null ? "" : joined) + suffix;
    }
}
