package millrace.api;

/** What a record does to the table that its stream describes. */
public enum RowKind {
    /** Adds a row. */
    INSERT("+I"),
    /** Takes a row's earlier content back. */
    UPDATE_BEFORE("-U"),
    /** Gives a row's new content. */
    UPDATE_AFTER("+U"),
    /** Removes a row. */
    DELETE("-D");

    private final String shortString;

    RowKind(String shortString) {
        this.shortString = shortString;
    }

    /** {@code +I}, {@code -U}, {@code +U} or {@code -D}. */
    public String shortString() {
        return shortString;
    }
}
