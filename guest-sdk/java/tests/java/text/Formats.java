package text;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.text.MessageFormat;
import java.text.NumberFormat;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;
import millrace.tests.Cases;

public final class Formats extends Cases {
    @Override
    protected void cases() {
        check("%d", () -> String.format("%d|%5d|%-5d|%05d|%+d|%,d|%(d|% d", 42, 42, 42, 42, 42, 1234567, -5, 7));
        check("%d of other integers", () -> String.format("%d %d %d %d", (byte) 1, (short) 2, 3L, new BigInteger("12345678901234567890")));
        check("%f", () -> String.format("%f|%.2f|%10.3f|%-10.1f|%010.2f|%+.0f|%,.2f", 3.14159, 2.005, 3.14159, 2.55, -3.5, 2.5, 1234567.891));
        check("%f rounds half up", () -> String.format("%.1f %.1f %.0f %.2f", 0.25, 0.35, 1.5, 1.005));
        check("%f of large and small", () -> String.format("%.3f %.10f %f", 1e20, 1e-7, 123456789.123));
        check("%f of BigDecimal", () -> String.format("%.2f %f", new BigDecimal("12345678901234567890.125"), new BigDecimal("1.5")));
        check("%f of special values", () -> String.format("%f %f %.1f %5.1f", Double.NaN, Double.POSITIVE_INFINITY, -0.0, Double.NEGATIVE_INFINITY));
        check("%e", () -> String.format("%e|%.2e|%E|%12.3e|%e", 12345.678, 0.000123, 1e10, 5.0, 0.0));
        check("%g", () -> String.format("%g|%.3g|%g", 12345.678, 0.00001234, 1e10));
        check("%s", () -> String.format("%s|%10s|%-10s|%.2s|%S", "abc", "abc", "abc", "abc", "abc"));
        check("%s of objects", () -> String.format("%s %s %s %s", null, List.of(1, 2), 1.5, new int[0].length));
        check("%x and %o", () -> String.format("%x|%X|%08x|%#x|%o|%x", 255, 255, 48879, 255, 8, -1L));
        check("%c", () -> String.format("%c|%c|%5c|%C", 'a', 0x1F600, 'b', 'c'));
        check("%b", () -> String.format("%b|%B|%b|%6b", true, false, null, true));
        check("%n and %%", () -> String.format("a%nb%%"));
        check("%h", () -> String.format("%h", "hello"));
        check("argument indexes", () -> String.format("%2$s %1$s %<s %s", "a", "b"));
        check("wrong conversion", () -> {
            try {
                return String.format("%d", "x");
            } catch (java.util.IllegalFormatException e) {
                return e.getClass().getSimpleName() + e.getMessage();
            }
        });
        check("missing argument", () -> {
            try {
                return String.format("%s %s", "x");
            } catch (java.util.MissingFormatArgumentException e) {
                return e.getMessage();
            }
        });
        check("Formatter", () -> new Formatter().format("%03d", 7).format("-%s", "x").toString());
        check("with locale", () -> String.format(Locale.ROOT, "%,.2f %d", 1234.5, 1000));
        check("%tY of a date", () -> String.format(Locale.ROOT, "%tY-%<tm-%<td", java.time.LocalDate.of(2024, 2, 29)));
        check("DecimalFormat", () -> new DecimalFormat("#,##0.00", DecimalFormatSymbols.getInstance(Locale.ROOT)).format(1234567.891)
            + " " + new DecimalFormat("0.###").format(1.5) + " " + new DecimalFormat("000").format(7)
            + " " + new DecimalFormat("#.##%").format(0.1234));
        check("DecimalFormat parse", () -> new DecimalFormat("#,##0.00").parse("1,234.50"));
        check("DecimalFormat rounding", () -> new DecimalFormat("0.0").format(0.25) + new DecimalFormat("0.0").format(0.35) + new DecimalFormat("0").format(-2.5));
        check("DecimalFormat exponent", () -> new DecimalFormat("0.###E0").format(12345));
        check("NumberFormat", () -> NumberFormat.getInstance(Locale.US).format(1234567.891) + " " + NumberFormat.getPercentInstance(Locale.US).format(0.25));
        check("MessageFormat", () -> MessageFormat.format("{0} has {1} of {2}", "a", "b", "c"));
        check("String.valueOf double", () -> "" + 1e7 + " " + 1e-3 + " " + 1e-4 + " " + 123456789.125 + " " + 0.1f + " " + 100.0 + " " + 1.0E21 + " " + Double.MIN_VALUE + " " + Double.MAX_VALUE);
        check("String.valueOf float", () -> "" + 1e10f + " " + 3.4028235E38f + " " + 1.17549435E-38f + " " + 0.3f + " " + 16777216f);
        check("doubles that are hard to print", () -> "" + (0.1 + 0.2) + " " + 2.2250738585072014E-308 + " " + 9007199254740993.0 + " " + 4.35 + " " + 1.1 * 1.1);
    }
}
