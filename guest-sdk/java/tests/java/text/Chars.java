package text;

import java.util.Base64;
import java.util.HexFormat;
import java.util.UUID;
import millrace.tests.Cases;

public final class Chars extends Cases {
    @Override
    protected void cases() {
        check("classes of characters", () -> {
            StringBuilder found = new StringBuilder();
            for (char c : "aZ5 _é漢\t٣".toCharArray()) {
                found.append(Character.isLetter(c) ? 'L' : '.').append(Character.isDigit(c) ? 'D' : '.').append(Character.isUpperCase(c) ? 'U' : '.')
                    .append(Character.isWhitespace(c) ? 'W' : '.').append(Character.isLetterOrDigit(c) ? 'A' : '.').append(Character.isJavaIdentifierPart(c) ? 'J' : '.').append(' ');
            }
            return found;
        });
        check("case of characters", () -> "" + Character.toUpperCase('ä') + Character.toLowerCase('Ж') + Character.toUpperCase('ß'));
        check("numbers of characters", () -> Character.getNumericValue('7') + " " + Character.digit('f', 16) + " " + Character.forDigit(11, 16) + " " + Character.getNumericValue('x'));
        check("code points", () -> Character.toChars(0x1F600).length + " " + Character.charCount(0x10000) + " " + Character.isSurrogate('\uD83D')
            + Character.toCodePoint('\uD83D', '\uDE00') + Character.isSupplementaryCodePoint(0x1F600) + Character.toString(0x1F600));
        check("types", () -> Character.getType('A') + " " + Character.getType('1') + " " + Character.getType('$') + " " + Character.getType('漢') + " " + Character.getType(' '));
        check("arithmetic", () -> (char) ('a' + 1) + " " + ('a' + 1) + " " + (int) Character.MAX_VALUE + Character.compare('a', 'c') + Character.valueOf('x').hashCode());
        check("isAlphabetic", () -> Character.isAlphabetic('é') + " " + Character.isIdeographic(0x6F22) + " " + Character.isSpaceChar('\u00A0') + Character.isISOControl('\n'));
        check("Base64", () -> Base64.getEncoder().encodeToString("hello?>".getBytes()) + new String(Base64.getDecoder().decode("aGk=")));
        check("Base64 of URLs", () -> Base64.getUrlEncoder().withoutPadding().encodeToString(new byte[] {-1, -2, -3, -4}) + Base64.getUrlDecoder().decode("_-79").length);
        check("Base64 MIME", () -> Base64.getMimeEncoder().encodeToString(new byte[80]).length() + " " + Base64.getMimeDecoder().decode("aGVs\r\nbG8=").length);
        check("Base64 malformed", () -> {
            try {
                return Base64.getDecoder().decode("a$b=").length;
            } catch (IllegalArgumentException e) {
                return "malformed";
            }
        });
        check("UUID", () -> UUID.fromString("123e4567-e89b-12d3-a456-426614174000") + " " + UUID.fromString("123e4567-e89b-12d3-a456-426614174000").version()
            + new UUID(1, 2) + UUID.fromString("123e4567-e89b-12d3-a456-426614174000").hashCode());
        check("random UUID", () -> UUID.randomUUID().toString().length() + " " + UUID.randomUUID().version());
        check("UUID of a name", () -> UUID.nameUUIDFromBytes("hello".getBytes()));
        check("HexFormat", () -> HexFormat.of().formatHex(new byte[] {1, -1, 16}) + HexFormat.of().parseHex("00ff").length + HexFormat.ofDelimiter(":").withUpperCase().formatHex(new byte[] {10, 11}));
        check("URL encoding", () -> java.net.URLEncoder.encode("a b&ü=/", java.nio.charset.StandardCharsets.UTF_8) + " " + java.net.URLDecoder.decode("a+b%26%C3%BC", java.nio.charset.StandardCharsets.UTF_8));
        check("URI", () -> {
            java.net.URI uri = java.net.URI.create("https://user@host:8080/a/b?x=1&y=2#frag");
            return uri.getScheme() + uri.getHost() + uri.getPort() + uri.getPath() + uri.getQuery() + uri.getFragment();
        });
        check("MD5", () -> hex(java.security.MessageDigest.getInstance("MD5").digest("hello".getBytes())));
        check("SHA-1", () -> hex(java.security.MessageDigest.getInstance("SHA-1").digest("hello".getBytes())));
        check("SHA-224", () -> hex(java.security.MessageDigest.getInstance("SHA-224").digest("hello".getBytes())));
        check("SHA-384", () -> hex(java.security.MessageDigest.getInstance("SHA-384").digest("hello".getBytes())));
        check("SHA-512", () -> hex(java.security.MessageDigest.getInstance("SHA-512").digest("x".repeat(300).getBytes())));
        check("SHA-256", () -> {
            java.security.MessageDigest digest = java.security.MessageDigest.getInstance("SHA-256");
            digest.update("hel".getBytes());
            digest.update((byte) 'l');
            return hex(digest.digest("o".getBytes())) + hex(digest.digest(new byte[200]));
        });
        check("unknown digest", () -> {
            try {
                return java.security.MessageDigest.getInstance("NONE");
            } catch (java.security.NoSuchAlgorithmException e) {
                return "no such algorithm";
            }
        });
        check("CRC32", () -> {
            java.util.zip.CRC32 crc = new java.util.zip.CRC32();
            crc.update("hello".getBytes());
            return crc.getValue();
        });
        check("Adler32", () -> {
            java.util.zip.Adler32 adler = new java.util.zip.Adler32();
            adler.update("hello".getBytes());
            return adler.getValue();
        });
        check("GZIP", () -> {
            java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
            try (java.util.zip.GZIPOutputStream out = new java.util.zip.GZIPOutputStream(bytes)) {
                out.write("hello hello hello hello".getBytes());
            }
            return new String(new java.util.zip.GZIPInputStream(new java.io.ByteArrayInputStream(bytes.toByteArray())).readAllBytes());
        });
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte b : bytes) {
            text.append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
        }
        return text.toString();
    }
}
