package millrace.classlib;

import java.math.BigDecimal;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.text.FieldPosition;

/** DecimalFormat. */
@Adds(to = DecimalFormat.class)
final class DecimalFormats {
    private DecimalFormats() {}

    /** Rounds the number that the double really is, not the one that its shortest text is. */
    @Replaces
    public static StringBuffer format(DecimalFormat format, double value, StringBuffer out, FieldPosition position) {
        DecimalFormatSymbols symbols = format.getDecimalFormatSymbols();
        if (Double.isNaN(value)) {
            return out.append(symbols.getNaN());
        }
        boolean negative = value < 0 || value == 0 && 1 / value < 0;
        if (Double.isInfinite(value)) {
            return out.append(negative ? text(format.getNegativePrefix()) : text(format.getPositivePrefix())).append(symbols.getInfinity())
                .append(negative ? text(format.getNegativeSuffix()) : text(format.getPositiveSuffix()));
        }
        BigDecimal exact = new BigDecimal(value);
        int start = out.length();
        if (!negative) {
            return format.format(exact, out, position);
        }
        format.format(exact.negate(), out, position);
        // The sign stays when the digits are rounded to zero, as on the JVM.
        String prefix = text(format.getPositivePrefix());
        String suffix = text(format.getPositiveSuffix());
        String digits = out.substring(start + prefix.length(), out.length() - suffix.length());
        out.setLength(start);
        return out.append(text(format.getNegativePrefix())).append(digits).append(text(format.getNegativeSuffix()));
    }

    private static String text(String affix) {
        return affix == null ? "" : affix;
    }
}
