package com.example.orders;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MASK(text)} and {@code MASK(text, kept)}: hides all but the last characters. */
public final class Mask extends ScalarFunction {
    private static final long serialVersionUID = 1L;

    public String eval(String text) {
        return eval(text, 4);
    }

    public String eval(String text, Integer kept) {
        if (text == null || kept == null) {
            return null;
        }
        int hidden = Math.max(0, text.length() - Math.max(0, kept));
        return "*".repeat(hidden) + text.substring(hidden);
    }
}
