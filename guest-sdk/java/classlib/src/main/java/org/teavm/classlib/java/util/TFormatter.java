package org.teavm.classlib.java.util;

import java.io.Closeable;
import java.io.Flushable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.DuplicateFormatFlagsException;
import java.util.Formattable;
import java.util.FormattableFlags;
import java.util.FormatterClosedException;
import java.util.Locale;
import java.util.MissingFormatWidthException;

/** {@code java.util.Formatter}. */
public final class TFormatter implements Closeable, Flushable {
    /** One {@code %...} of a pattern. */
    static final class Spec {
        String text;
        int argument;
        boolean left;
        boolean alternate;
        boolean plus;
        boolean space;
        boolean zero;
        boolean group;
        boolean parentheses;
        int width = -1;
        int precision = -1;
        char conversion;
        char timeConversion;
        boolean upper;
    }

    private Appendable out;
    private Locale locale;
    private IOException failure;

    public TFormatter() {
        this(new StringBuilder(), Locale.getDefault());
    }

    public TFormatter(Appendable out) {
        this(out, Locale.getDefault());
    }

    public TFormatter(Locale locale) {
        this(new StringBuilder(), locale);
    }

    public TFormatter(Appendable out, Locale locale) {
        this.out = out == null ? new StringBuilder() : out;
        this.locale = locale;
    }

    public TFormatter(PrintStream out) {
        this((Appendable) out, Locale.getDefault());
    }

    public TFormatter(OutputStream out) {
        this(new PrintStream(out));
    }

    private Appendable open() {
        if (out == null) {
            throw new FormatterClosedException();
        }
        return out;
    }

    public Locale locale() {
        open();
        return locale;
    }

    public Appendable out() {
        return open();
    }

    @Override
    public String toString() {
        return open().toString();
    }

    @Override
    public void flush() {
        try {
            if (open() instanceof Flushable) {
                ((Flushable) out).flush();
            }
        } catch (IOException e) {
            failure = e;
        }
    }

    @Override
    public void close() {
        try {
            if (out instanceof Closeable) {
                ((Closeable) out).close();
            }
        } catch (IOException e) {
            failure = e;
        }
        out = null;
    }

    public IOException ioException() {
        return failure;
    }

    public TFormatter format(String pattern, Object... arguments) {
        return format(locale, pattern, arguments);
    }

    public TFormatter format(Locale locale, String pattern, Object... arguments) {
        Appendable target = open();
        try {
            int ordinary = 0;
            int last = -1;
            int at = 0;
            while (at < pattern.length()) {
                int percent = pattern.indexOf('%', at);
                if (percent < 0) {
                    target.append(pattern, at, pattern.length());
                    break;
                }
                target.append(pattern, at, percent);
                Spec spec = new Spec();
                at = parse(pattern, percent, spec);
                Object argument = null;
                if (spec.conversion != 'n' && spec.conversion != '%') {
                    int index = spec.argument == 0 ? ordinary++ : spec.argument < 0 ? last : spec.argument - 1;
                    if (arguments != null) {
                        if (index < 0 || index >= arguments.length) {
                            throw new TMissingFormatArgumentException(spec.text);
                        }
                        argument = arguments[index];
                    }
                    last = index;
                }
                one(target, spec, argument, locale);
            }
        } catch (IOException e) {
            failure = e;
        }
        return this;
    }

    /** Reads a specification; answers where it ends. */
    private static int parse(String pattern, int percent, Spec spec) {
        int at = percent + 1;
        int length = pattern.length();
        int number = at;
        while (number < length && Character.isDigit(pattern.charAt(number))) {
            number++;
        }
        if (number > at && number < length && pattern.charAt(number) == '$') {
            spec.argument = Integer.parseInt(pattern.substring(at, number));
            at = number + 1;
        } else if (at < length && pattern.charAt(at) == '<') {
            spec.argument = -1;
            at++;
        }
        while (at < length && flag(spec, pattern.charAt(at))) {
            at++;
        }
        number = at;
        while (at < length && Character.isDigit(pattern.charAt(at))) {
            at++;
        }
        if (at > number) {
            spec.width = Integer.parseInt(pattern.substring(number, at));
        }
        if (at < length && pattern.charAt(at) == '.') {
            number = ++at;
            while (at < length && Character.isDigit(pattern.charAt(at))) {
                at++;
            }
            if (at == number) {
                throw new TUnknownFormatConversionException(at < length ? pattern.substring(percent, at) : "%");
            }
            spec.precision = Integer.parseInt(pattern.substring(number, at));
        }
        if (at >= length) {
            throw new TUnknownFormatConversionException("%");
        }
        char conversion = pattern.charAt(at++);
        if (conversion == 't' || conversion == 'T') {
            if (at >= length) {
                throw new TUnknownFormatConversionException(String.valueOf(conversion));
            }
            spec.timeConversion = pattern.charAt(at++);
        }
        spec.upper = "BHSCXEGAT".indexOf(conversion) >= 0;
        spec.conversion = spec.upper ? Character.toLowerCase(conversion) : conversion;
        spec.text = pattern.substring(percent, at);
        if ("bhscdoxefgatn%".indexOf(spec.conversion) < 0) {
            throw new TUnknownFormatConversionException(String.valueOf(conversion));
        }
        if ((spec.left || spec.zero) && spec.width < 0) {
            throw new MissingFormatWidthException(spec.text);
        }
        return at;
    }

    private static boolean flag(Spec spec, char c) {
        boolean before;
        switch (c) {
            case '-':
                before = spec.left;
                spec.left = true;
                break;
            case '#':
                before = spec.alternate;
                spec.alternate = true;
                break;
            case '+':
                before = spec.plus;
                spec.plus = true;
                break;
            case ' ':
                before = spec.space;
                spec.space = true;
                break;
            case '0':
                before = spec.zero;
                spec.zero = true;
                break;
            case ',':
                before = spec.group;
                spec.group = true;
                break;
            case '(':
                before = spec.parentheses;
                spec.parentheses = true;
                break;
            default:
                return false;
        }
        if (before) {
            throw new DuplicateFormatFlagsException(String.valueOf(c));
        }
        return true;
    }

    private void one(Appendable target, Spec spec, Object argument, Locale locale) throws IOException {
        switch (spec.conversion) {
            case 'n':
                target.append('\n');
                return;
            case '%':
                pad(target, spec, "%");
                return;
            case 'b':
                pad(target, spec, cut(spec, argument instanceof Boolean ? argument.toString() : String.valueOf(argument != null)));
                return;
            case 'h':
                pad(target, spec, cut(spec, argument == null ? "null" : Integer.toHexString(argument.hashCode())));
                return;
            case 's':
                if (argument instanceof Formattable) {
                    int flags = (spec.left ? FormattableFlags.LEFT_JUSTIFY : 0) | (spec.upper ? FormattableFlags.UPPERCASE : 0)
                        | (spec.alternate ? FormattableFlags.ALTERNATE : 0);
                    ((Formattable) argument).formatTo((java.util.Formatter) (Object) this, flags, spec.width, spec.precision);
                } else {
                    pad(target, spec, cut(spec, String.valueOf(argument)));
                }
                return;
            case 'c':
                pad(target, spec, character(spec, argument));
                return;
            default:
                if (argument == null) {
                    Spec plain = spec;
                    plain.zero = false;
                    pad(target, plain, cut(spec, "null"));
                } else if (spec.conversion == 't') {
                    pad(target, spec, TFormatTimes.format(spec, argument));
                } else {
                    pad(target, spec, number(spec, argument, locale));
                }
        }
    }

    private static String number(Spec spec, Object argument, Locale locale) {
        TFormatNumbers numbers = new TFormatNumbers(spec, locale);
        boolean whole = argument instanceof Integer || argument instanceof Long || argument instanceof Short || argument instanceof Byte;
        switch (spec.conversion) {
            case 'd':
                if (whole) {
                    return numbers.decimal(((Number) argument).longValue());
                }
                if (argument instanceof BigInteger) {
                    return numbers.decimal((BigInteger) argument);
                }
                break;
            case 'o':
            case 'x':
                if (whole) {
                    int bits = argument instanceof Byte ? 8 : argument instanceof Short ? 16 : argument instanceof Integer ? 32 : 64;
                    return numbers.unsigned(((Number) argument).longValue(), bits);
                }
                if (argument instanceof BigInteger) {
                    return numbers.unsigned((BigInteger) argument);
                }
                break;
            default:
                if (argument instanceof Double || argument instanceof Float) {
                    return numbers.floating(((Number) argument).doubleValue());
                }
                if (argument instanceof BigDecimal && spec.conversion != 'a') {
                    return numbers.floating((BigDecimal) argument);
                }
        }
        throw new TIllegalFormatConversionException(spec.upper ? Character.toUpperCase(spec.conversion) : spec.conversion, argument.getClass());
    }

    private static String character(Spec spec, Object argument) {
        if (argument == null) {
            return "null";
        }
        if (argument instanceof Character) {
            return argument.toString();
        }
        if (argument instanceof Integer || argument instanceof Short || argument instanceof Byte) {
            return new String(Character.toChars(((Number) argument).intValue()));
        }
        throw new TIllegalFormatConversionException(spec.upper ? 'C' : 'c', argument.getClass());
    }

    private static String cut(Spec spec, String text) {
        return spec.precision >= 0 && spec.precision < text.length() ? text.substring(0, spec.precision) : text;
    }

    private static void pad(Appendable target, Spec spec, String text) throws IOException {
        if (spec.upper) {
            text = text.toUpperCase(Locale.ROOT);
        }
        int missing = spec.width - text.length();
        if (!spec.left) {
            spaces(target, missing);
        }
        target.append(text);
        if (spec.left) {
            spaces(target, missing);
        }
    }

    private static void spaces(Appendable target, int count) throws IOException {
        for (int i = 0; i < count; i++) {
            target.append(' ');
        }
    }
}
