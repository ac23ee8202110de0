package org.teavm.classlib.java.util;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Locale;

/** Numbers of {@link TFormatter}. Doubles are rounded half up from their shortest decimal text, as on the JVM. */
final class TFormatNumbers {
    private static final String COMMA_AND_POINT = " de es it nl pt tr id da el hr sl sr ro vi is ca gl eu ";
    private static final String COMMA_AND_SPACE = " ru uk cs sk bg fi nb no nn sv pl hu lt lv et be kk ";

    private final TFormatter.Spec spec;
    private char point = '.';
    private char grouping = ',';

    TFormatNumbers(TFormatter.Spec spec, Locale locale) {
        this.spec = spec;
        String language = locale == null ? "" : locale.getLanguage();
        if (language.isEmpty() || language.equals("en")) {
            return;
        }
        if (COMMA_AND_POINT.contains(" " + language + " ")) {
            point = ',';
            grouping = '.';
        } else if (COMMA_AND_SPACE.contains(" " + language + " ")) {
            point = ',';
            grouping = '\u00a0';
        } else if (language.equals("fr")) {
            point = ',';
            grouping = '\u202f';
        }
    }

    String decimal(long value) {
        if (value == Long.MIN_VALUE) {
            return decimal(BigInteger.valueOf(value));
        }
        return sign(value < 0, Long.toString(Math.abs(value)), true);
    }

    String decimal(BigInteger value) {
        return sign(value.signum() < 0, value.abs().toString(), true);
    }

    String unsigned(long value, int bits) {
        long masked = bits == 64 ? value : value & (1L << bits) - 1;
        String digits = spec.conversion == 'x' ? Long.toHexString(masked) : Long.toOctalString(masked);
        String prefix = !spec.alternate ? "" : spec.conversion == 'x' ? "0x" : "0";
        return prefix + zeros(spec.width - prefix.length() - digits.length()) + digits;
    }

    String unsigned(BigInteger value) {
        String digits = value.abs().toString(spec.conversion == 'x' ? 16 : 8);
        return sign(value.signum() < 0, (spec.alternate ? spec.conversion == 'x' ? "0x" : "0" : "") + digits, false);
    }

    String floating(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            spec.zero = false;
            String text = Double.isNaN(value) ? "NaN" : "Infinity";
            return Double.isNaN(value) ? text : sign(value < 0, text, false);
        }
        boolean negative = value < 0 || value == 0 && 1 / value < 0;
        if (spec.conversion == 'a') {
            return sign(negative, Double.toHexString(Math.abs(value)), false);
        }
        return sign(negative, digits(new BigDecimal(Double.toString(Math.abs(value))), value == 0), true);
    }

    String floating(BigDecimal value) {
        return sign(value.signum() < 0, digits(value.abs(), value.signum() == 0), true);
    }

    private String digits(BigDecimal value, boolean zero) {
        int precision = spec.precision < 0 ? 6 : spec.precision;
        switch (spec.conversion) {
            case 'f':
                return fixed(value, precision);
            case 'e':
                return scientific(value, precision, zero);
            default:
                precision = precision == 0 ? 1 : precision;
                if (zero) {
                    return fixed(value, precision - 1);
                }
                BigDecimal rounded = round(value, precision);
                int exponent = rounded.precision() - rounded.scale() - 1;
                return exponent >= -4 && exponent < precision ? fixed(rounded, precision - exponent - 1) : scientific(rounded, precision - 1, false);
        }
    }

    private static BigDecimal round(BigDecimal value, int digits) {
        return value.round(new java.math.MathContext(digits, RoundingMode.HALF_UP));
    }

    private String fixed(BigDecimal value, int precision) {
        String text = value.setScale(precision, RoundingMode.HALF_UP).toPlainString();
        return spec.alternate && precision == 0 ? text + '.' : text;
    }

    private String scientific(BigDecimal value, int precision, boolean zero) {
        String digits;
        int exponent = 0;
        if (zero) {
            digits = "0".repeat(precision + 1);
        } else {
            BigDecimal rounded = round(value, precision + 1);
            digits = rounded.unscaledValue().toString();
            exponent = digits.length() - rounded.scale() - 1;
            if (digits.length() > precision + 1) {
                digits = digits.substring(0, precision + 1);
            } else if (digits.length() < precision + 1) {
                digits += "0".repeat(precision + 1 - digits.length());
            }
        }
        int size = Math.abs(exponent);
        return digits.charAt(0) + (precision > 0 ? "." + digits.substring(1) : spec.alternate ? "." : "") + "e" + (exponent < 0 ? '-' : '+') + (size < 10 ? "0" : "") + size;
    }

    /** Puts grouping, zeros and sign around digits. */
    private String sign(boolean negative, String digits, boolean localized) {
        if (localized && (spec.group || point != '.')) {
            digits = localize(digits);
        }
        String before = negative ? spec.parentheses ? "(" : "-" : spec.plus ? "+" : spec.space ? " " : "";
        String after = negative && spec.parentheses ? ")" : "";
        return before + zeros(spec.width - before.length() - digits.length() - after.length()) + digits + after;
    }

    private String zeros(int count) {
        return spec.zero && count > 0 ? "0".repeat(count) : "";
    }

    private String localize(String digits) {
        int whole = 0;
        while (whole < digits.length() && Character.isDigit(digits.charAt(whole))) {
            whole++;
        }
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < whole; i++) {
            out.append(digits.charAt(i));
            if (spec.group && i + 1 < whole && (whole - i - 1) % 3 == 0) {
                out.append(grouping);
            }
        }
        for (int i = whole; i < digits.length(); i++) {
            out.append(digits.charAt(i) == '.' ? point : digits.charAt(i));
        }
        return out.toString();
    }
}
