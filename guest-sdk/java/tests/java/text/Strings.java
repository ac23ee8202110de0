package text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;
import java.util.StringTokenizer;
import java.util.stream.Collectors;
import millrace.tests.Cases;

public final class Strings extends Cases {
    @Override
    protected void cases() {
        check("split", () -> Arrays.toString("a,b;c".split("[,;]")));
        check("split with limit", () -> Arrays.asList("a:b:c:d".split(":", 2)));
        check("split keeps empty ends", () -> Arrays.asList("a,,b,,".split(",", -1)));
        check("split drops empty ends", () -> "a,,b,,".split(",").length);
        check("split of every character", () -> String.join("|", "häß".split("")));
        check("substring and indexOf", () -> "hello world".substring(6).indexOf("rld") + "hello".indexOf('l', 3));
        check("lastIndexOf", () -> "a/b/c".lastIndexOf('/') + " " + "a/b/c".lastIndexOf("/", 2) + " " + "x".lastIndexOf("y"));
        check("lines", () -> "a\nb\r\nc\rd".lines().collect(Collectors.toList()));
        check("strip", () -> "[" + "\u2003 x \t".strip() + "][" + "\u2003x ".stripLeading() + "][" + " x\u2003".stripTrailing() + "]");
        check("trim", () -> "[" + " \t x \n".trim() + "]");
        check("isBlank", () -> " \t".isBlank() + " " + "".isEmpty() + " " + "x".isBlank());
        check("repeat", () -> "ab".repeat(3) + "x".repeat(0) + "|");
        check("chars", () -> "abc".chars().sum() + " " + "a😀".codePoints().count());
        check("formatted", () -> "%d-%s".formatted(1, "x"));
        check("case", () -> "ÄÖüß".toLowerCase() + "äöü".toUpperCase() + "ÇI".toLowerCase(java.util.Locale.ROOT));
        check("equalsIgnoreCase", () -> "Straße".equalsIgnoreCase("STRAßE") + " " + "a".equalsIgnoreCase(null));
        check("compareTo", () -> "apple".compareTo("banana") + " " + "a".compareTo("abc") + " " + "B".compareToIgnoreCase("a"));
        check("contains and startsWith", () -> "hello".contains("ell") + " " + "hello".startsWith("lo", 3) + " " + "hello".endsWith(""));
        check("replace", () -> "a.b.c".replace(".", "::") + "aaa".replace('a', 'b') + "abc".replace("", "-"));
        check("replaceAll", () -> "a1b22".replaceAll("(\\d+)", "<$1>") + "x.y".replaceFirst("\\.", "!"));
        check("join", () -> String.join(", ", List.of("a", "b", "c")));
        check("StringJoiner", () -> new StringJoiner("-", "{", "}").add("x").add("y").setEmptyValue("none").toString());
        check("empty StringJoiner", () -> new StringJoiner(",").setEmptyValue("none").toString());
        check("StringTokenizer", () -> {
            StringTokenizer words = new StringTokenizer("a b,c", " ,", true);
            StringBuilder found = new StringBuilder();
            while (words.hasMoreTokens()) {
                found.append('[').append(words.nextToken()).append(']');
            }
            return found;
        });
        check("valueOf", () -> String.valueOf(1.5f) + String.valueOf(true) + String.valueOf(new char[] {'a', 'b'}) + String.valueOf((Object) null));
        check("getBytes UTF-8", () -> Arrays.toString("é漢😀".getBytes(StandardCharsets.UTF_8)));
        check("from bytes", () -> new String(new byte[] {(byte) 0xC3, (byte) 0xA9, 65}, StandardCharsets.UTF_8)
            + new String(new byte[] {(byte) 0xE9}, StandardCharsets.ISO_8859_1));
        check("malformed UTF-8", () -> (int) new String(new byte[] {(byte) 0xC3, 65}, StandardCharsets.UTF_8).charAt(0));
        check("getBytes by charset name", () -> Arrays.toString("aé".getBytes("ISO-8859-1")) + Arrays.toString("aé".getBytes("UTF-16BE")));
        check("charAt out of bounds", () -> {
            try {
                return "abc".charAt(5);
            } catch (StringIndexOutOfBoundsException e) {
                return "out of bounds";
            }
        });
        check("substring out of bounds", () -> {
            try {
                return "abc".substring(2, 9);
            } catch (IndexOutOfBoundsException e) {
                return "out of bounds";
            }
        });
        check("intern and identity", () -> new String("xy").intern() == "xyz".substring(0, 2).intern());
        check("hashCode", () -> "The quick brown fox".hashCode() + " " + "".hashCode() + " " + "漢字".hashCode());
        check("concat and plus", () -> "a".concat("b") + 1 + 'c' + 2.0 + null + 3L + true);
        check("regionMatches", () -> "Hello World".regionMatches(true, 6, "WORLD", 0, 5));
        check("toCharArray", () -> {
            char[] letters = "dcba".toCharArray();
            Arrays.sort(letters);
            return new String(letters, 1, 2) + String.copyValueOf(letters);
        });
        check("text block", () -> """
            {
              "a": "b\\n",
              "c": 1 \
            }
            """);
        check("indent", () -> "a\nb".indent(2) + "|" + "   x\n y".stripIndent());
        check("translateEscapes", () -> "a\\tb\\n".translateEscapes());
        check("transform", () -> "x".transform(s -> s + s));
        check("contentEquals", () -> "abc".contentEquals(new StringBuilder("abc")) + " " + "abc".matches("[a-c]+"));
        check("codePoints", () -> "a😀b".codePointAt(1) + " " + "a😀b".codePointCount(0, 4) + " " + "a😀b".offsetByCodePoints(0, 2));
        check("isLatin and accents", () -> "ünïcödé 漢字 😀".toUpperCase());
        check("CharSequence", () -> CharSequence.compare("ab", "ac") + " " + "hello".subSequence(1, 3) + " " + "abc".describeConstable().get());
        check("comparator of strings", () -> List.of("b", "A", "c").stream().sorted(String.CASE_INSENSITIVE_ORDER).collect(Collectors.joining()));
    }
}
