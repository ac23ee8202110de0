package org.teavm.classlib.java.util;

/** {@code java.util.UnknownFormatConversionException}. */
public class TUnknownFormatConversionException extends TIllegalFormatException {
    private static final long serialVersionUID = 1L;

    private final String conversion;

    public TUnknownFormatConversionException(String conversion) {
        this.conversion = conversion;
    }

    public String getConversion() {
        return conversion;
    }

    @Override
    public String getMessage() {
        return "Conversion = '" + conversion + "'";
    }
}
