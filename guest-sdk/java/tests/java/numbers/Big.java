package numbers;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.stream.Collectors;
import millrace.tests.Cases;

public final class Big extends Cases {
    private static BigDecimal d(String text) {
        return new BigDecimal(text);
    }

    @Override
    protected void cases() {
        check("BigDecimal arithmetic", () -> d("10.25").multiply(d("3")).setScale(1, RoundingMode.HALF_UP) + " " + d("1.10").add(d("2.205")) + " " + d("1").subtract(d("0.90")));
        check("BigDecimal division", () -> d("10").divide(d("4")) + " " + d("1").divide(d("3"), 10, RoundingMode.HALF_EVEN) + " " + d("1").divide(d("3"), MathContext.DECIMAL64) + " " + d("7.5").remainder(d("2")) + " " + d("7.5").divideToIntegralValue(d("2")));
        check("BigDecimal endless division", () -> {
            try {
                return d("1").divide(d("3"));
            } catch (ArithmeticException e) {
                return e.getMessage();
            }
        });
        check("BigDecimal by zero", () -> {
            try {
                return d("1").divide(BigDecimal.ZERO);
            } catch (ArithmeticException e) {
                return "by zero";
            }
        });
        check("BigDecimal rounding modes", () -> List.of(RoundingMode.values()).stream().filter(m -> m != RoundingMode.UNNECESSARY)
            .map(m -> m + "=" + d("2.5").setScale(0, m) + d("-1.15").setScale(1, m)).collect(Collectors.joining(" ")));
        check("BigDecimal equality", () -> d("2.0").equals(d("2.00")) + " " + d("2.0").compareTo(d("2.00")) + " " + d("2.0").hashCode() + " " + d("2.50").stripTrailingZeros() + d("100").stripTrailingZeros() + d("100").stripTrailingZeros().toPlainString());
        check("BigDecimal text", () -> d("1E+5") + " " + d("1E+5").toPlainString() + " " + d("0.0000001") + " " + d("123.45E-10").toEngineeringString() + " " + d("-0.00"));
        check("BigDecimal of doubles", () -> BigDecimal.valueOf(0.1) + " " + new BigDecimal(0.1) + " " + BigDecimal.valueOf(12345, 3) + " " + d("1.5").doubleValue() + d("2.9").intValue() + d("1e20").longValue());
        check("BigDecimal precision", () -> d("123.4500").precision() + " " + d("123.4500").scale() + " " + d("123.4500").unscaledValue() + " " + d("123.456").round(new MathContext(4)) + d("5").signum() + d("-5").abs() + d("5").negate() + d("1.5").ulp());
        check("BigDecimal powers", () -> d("1.1").pow(10) + " " + d("2").sqrt(new MathContext(20)) + " " + d("1.5").movePointLeft(2) + d("1.5").movePointRight(3) + d("1.5").scaleByPowerOfTen(3));
        check("BigDecimal sums", () -> List.of(d("1.10"), d("2.20"), d("3.30")).stream().reduce(BigDecimal.ZERO, BigDecimal::add) + " " + d("1").max(d("2")) + d("1").min(d("2")));
        check("BigDecimal parse failures", () -> {
            try {
                return d("1.2.3");
            } catch (NumberFormatException e) {
                return "not a number";
            }
        });
        check("BigDecimal exact", () -> {
            try {
                return d("1.5").intValueExact();
            } catch (ArithmeticException e) {
                return d("7").longValueExact() + "inexact";
            }
        });
        check("BigDecimal 38 digits", () -> d("12345678901234567890123456789012345678").multiply(d("0.000000000000000001")) + " " + d("99999999999999999999.999999999999999999").add(d("0.000000000000000001")));
        check("BigInteger arithmetic", () -> new BigInteger("123456789012345678901234567890").multiply(BigInteger.TEN.pow(20)).add(BigInteger.TWO).mod(BigInteger.valueOf(997)) + " " + BigInteger.ONE.shiftLeft(100));
        check("BigInteger division", () -> java.util.Arrays.toString(new BigInteger("-1000000000000000000000").divideAndRemainder(BigInteger.valueOf(7))) + new BigInteger("100").gcd(new BigInteger("75")) + new BigInteger("3").modPow(new BigInteger("200"), new BigInteger("13")) + new BigInteger("3").modInverse(new BigInteger("11")));
        check("BigInteger text", () -> new BigInteger("ff", 16) + " " + new BigInteger("255").toString(2) + " " + new BigInteger("-1").toString(36) + java.util.Arrays.toString(new BigInteger("-129").toByteArray()));
        check("BigInteger bits", () -> new BigInteger("12").and(new BigInteger("10")) + " " + new BigInteger("12").xor(new BigInteger("10")) + new BigInteger("12").not() + new BigInteger("12").bitLength() + new BigInteger("12").testBit(2) + new BigInteger("12").bitCount() + new BigInteger("12").setBit(0));
        check("BigInteger comparisons", () -> new BigInteger("5").compareTo(BigInteger.TEN) + " " + new BigInteger("5").equals(BigInteger.valueOf(5)) + new BigInteger("123456789012345678901").hashCode() + new BigInteger("5").signum() + new BigInteger("9223372036854775808").longValue());
        check("BigInteger primes", () -> new BigInteger("1000000007").isProbablePrime(20) + " " + new BigInteger("1000000008").isProbablePrime(20) + " " + new BigInteger("100").nextProbablePrime() + " " + new BigInteger("17").sqrt());
        check("factorial", () -> {
            BigInteger product = BigInteger.ONE;
            for (int i = 2; i <= 60; i++) {
                product = product.multiply(BigInteger.valueOf(i));
            }
            return product;
        });
        check("BigInteger exact", () -> {
            try {
                return new BigInteger("99999999999").intValueExact();
            } catch (ArithmeticException e) {
                return "too large " + new BigInteger("5").longValueExact();
            }
        });
    }
}
