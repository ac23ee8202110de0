package numbers;

import millrace.tests.Cases;

public final class Doubles extends Cases {
    @Override
    protected void cases() {
        check("parse", () -> Double.parseDouble("1e3") + Double.valueOf("-0.5") + Float.parseFloat("2.5f") + " " + Double.parseDouble("  NaN ") + Double.parseDouble("Infinity") + Double.parseDouble("0x1p3"));
        check("parse hard values", () -> Double.parseDouble("2.2250738585072012e-308") + " " + Double.parseDouble("0.1") + " " + Double.parseDouble("123456789012345678901234567890") + " " + (Double.parseDouble("4.9e-324") == Double.MIN_VALUE) + " " + Double.parseDouble("1.7976931348623157e308") + " " + Double.parseDouble("9007199254740993"));
        check("parse failures", () -> {
            try {
                return Double.parseDouble("1,5");
            } catch (NumberFormatException e) {
                return e.getMessage();
            }
        });
        check("powers and roots", () -> Math.pow(2, 0.5) + " " + Math.sqrt(2) + " " + Math.cbrt(27) + " " + Math.hypot(3, 4) + " " + Math.pow(2, 10) + " " + Math.pow(-8, 1.0 / 3));
        check("exponentials", () -> round(Math.exp(1)) + " " + round(Math.log(10)) + " " + round(Math.log10(1000)) + " " + round(Math.log1p(1e-10) * 1e10) + " " + round(Math.expm1(1e-10) * 1e10));
        check("trigonometry", () -> round(Math.sin(1)) + " " + round(Math.cos(1)) + " " + round(Math.tan(1)) + " " + round(Math.asin(0.5)) + " " + round(Math.acos(0.5)) + " " + round(Math.atan(2)) + " " + round(Math.atan2(-1, -1)) + " " + round(Math.toDegrees(Math.PI)) + round(Math.toRadians(180)));
        check("hyperbolic", () -> round(Math.sinh(1)) + " " + round(Math.cosh(1)) + " " + round(Math.tanh(1)));
        check("rounding", () -> Math.round(2.5) + " " + Math.round(-2.5) + " " + Math.round(0.49999999999999994) + " " + Math.rint(2.5) + Math.rint(3.5) + Math.floor(-1.1) + Math.ceil(-1.1) + Math.round(1.5f) + " " + Math.round(1e18) + " " + Math.round(Double.NaN));
        check("min, max, abs", () -> Math.min(-0.0, 0.0) + " " + Math.max(Double.NaN, 1) + " " + Math.abs(-0.0) + Math.signum(-3.0) + Math.copySign(2, -0.0) + Math.abs(Integer.MIN_VALUE));
        check("next and ulp", () -> Math.ulp(1.0) + " " + Math.nextUp(1.0) + " " + Math.nextAfter(1.0, 0) + " " + Math.getExponent(1000.0) + " " + Math.scalb(1.5, 4));
        check("fma and remainder", () -> 5.5 % 2 + " " + -5.5 % 2 + " " + Math.IEEEremainder(5, 3) + " " + 1e300 * 1e10 + " " + 1 / 0.0 + " " + 0.0 / 0.0 + " " + Math.fma(2.0, 3.0, 1.0));
        check("comparisons", () -> (Double.NaN == Double.NaN) + " " + Double.compare(Double.NaN, 1) + Double.compare(-0.0, 0.0) + (0.0 == -0.0) + Double.valueOf(Double.NaN).equals(Double.NaN) + Double.isNaN(0.0 / 0) + Double.isInfinite(1 / 0.0) + Double.isFinite(1));
        check("bits", () -> Long.toHexString(Double.doubleToLongBits(1.5)) + Double.longBitsToDouble(0x4009_21FB_5444_2D18L) + Integer.toHexString(Float.floatToIntBits(-2.5f)) + Float.intBitsToFloat(0x7f800000));
        check("hexadecimal", () -> Double.toHexString(1.0) + " " + Double.toHexString(-0.1));
        check("float arithmetic", () -> 0.1f + 0.2f + " " + (float) 0.1 + " " + (double) 0.1f + " " + 16777217f + " " + 1.1f * 1.1f + " " + (int) 2.9f);
        check("sum of many", () -> {
            double sum = 0;
            for (int i = 1; i <= 1000; i++) {
                sum += 1.0 / i;
            }
            return sum;
        });
        check("casts", () -> (int) 2.9 + (int) -2.9 + (long) 1e19 + " " + (float) 1e40 + " " + (byte) 300.7 + " " + (char) 97.9);
        check("constants", () -> Math.PI + " " + Math.E + " " + Double.MAX_VALUE + Double.MIN_NORMAL + Float.MAX_VALUE + Double.BYTES);
        check("clamp by hand", () -> Math.max(0, Math.min(10, 12)) + " " + StrictMath.sqrt(16) + " " + StrictMath.max(1, 2));
        check("printing round trip", () -> {
            java.util.Random random = new java.util.Random(3);
            int wrong = 0;
            for (int i = 0; i < 2000; i++) {
                double value = random.nextDouble() * Math.pow(10, random.nextInt(40) - 20);
                if (Double.parseDouble(Double.toString(value)) != value) {
                    wrong++;
                }
            }
            return wrong;
        });
        check("printing many", () -> {
            java.util.Random random = new java.util.Random(5);
            int hash = 0;
            for (int i = 0; i < 500; i++) {
                hash = hash * 31 + Double.toString(Math.round(random.nextDouble() * 100000) / 100.0).hashCode();
            }
            return hash;
        });
    }

    /** Twelve digits: the last bits of these functions may differ between libraries. */
    private static double round(double value) {
        return Math.round(value * 1e12) / 1e12;
    }
}
