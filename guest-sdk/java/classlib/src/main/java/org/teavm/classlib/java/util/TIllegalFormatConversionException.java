package org.teavm.classlib.java.util;

/** {@code java.util.IllegalFormatConversionException}. */
public class TIllegalFormatConversionException extends TIllegalFormatException {
    private static final long serialVersionUID = 1L;

    private final char conversion;
    private final Class<?> argument;

    public TIllegalFormatConversionException(char conversion, Class<?> argument) {
        this.conversion = conversion;
        this.argument = argument;
    }

    public char getConversion() {
        return conversion;
    }

    public Class<?> getArgumentClass() {
        return argument;
    }

    @Override
    public String getMessage() {
        return conversion + " != " + argument.getName();
    }
}
