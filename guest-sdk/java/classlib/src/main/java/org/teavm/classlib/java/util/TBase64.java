package org.teavm.classlib.java.util;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** {@code java.util.Base64} (RFC 4648, RFC 2045). */
public final class TBase64 {
    private static final String PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    private static final String URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private TBase64() {}

    public static Encoder getEncoder() {
        return new Encoder(PLAIN, true, 0, null);
    }

    public static Encoder getUrlEncoder() {
        return new Encoder(URL, true, 0, null);
    }

    public static Encoder getMimeEncoder() {
        return new Encoder(PLAIN, true, 76, new byte[] {'\r', '\n'});
    }

    public static Encoder getMimeEncoder(int lineLength, byte[] lineSeparator) {
        return new Encoder(PLAIN, true, lineLength & ~3, lineSeparator.clone());
    }

    public static Decoder getDecoder() {
        return new Decoder(PLAIN, false);
    }

    public static Decoder getUrlDecoder() {
        return new Decoder(URL, false);
    }

    public static Decoder getMimeDecoder() {
        return new Decoder(PLAIN, true);
    }

    /** Bytes to text. */
    public static class Encoder {
        private final String alphabet;
        private final boolean padding;
        private final int lineLength;
        private final byte[] separator;

        Encoder(String alphabet, boolean padding, int lineLength, byte[] separator) {
            this.alphabet = alphabet;
            this.padding = padding;
            this.lineLength = lineLength;
            this.separator = separator;
        }

        public Encoder withoutPadding() {
            return new Encoder(alphabet, false, lineLength, separator);
        }

        public byte[] encode(byte[] bytes) {
            int length = padding ? (bytes.length + 2) / 3 * 4 : (bytes.length * 4 + 2) / 3;
            int breaks = lineLength > 0 && length > 0 ? (length - 1) / lineLength : 0;
            byte[] out = new byte[length + breaks * (separator == null ? 0 : separator.length)];
            int at = 0;
            int inLine = 0;
            for (int i = 0; i < bytes.length; i += 3) {
                if (breaks > 0 && inLine == lineLength) {
                    System.arraycopy(separator, 0, out, at, separator.length);
                    at += separator.length;
                    inLine = 0;
                }
                int left = Math.min(3, bytes.length - i);
                int group = (bytes[i] & 255) << 16 | (left > 1 ? (bytes[i + 1] & 255) << 8 : 0) | (left > 2 ? bytes[i + 2] & 255 : 0);
                for (int j = 0; j < 4; j++) {
                    if (j <= left) {
                        out[at++] = (byte) alphabet.charAt(group >> 18 - 6 * j & 63);
                    } else if (padding) {
                        out[at++] = '=';
                    }
                }
                inLine += 4;
            }
            return out;
        }

        public String encodeToString(byte[] bytes) {
            return new String(encode(bytes), StandardCharsets.ISO_8859_1);
        }
    }

    /** Text to bytes. */
    public static class Decoder {
        private final byte[] values = new byte[128];
        private final boolean lenient;

        Decoder(String alphabet, boolean lenient) {
            this.lenient = lenient;
            Arrays.fill(values, (byte) -1);
            for (int i = 0; i < 64; i++) {
                values[alphabet.charAt(i)] = (byte) i;
            }
        }

        public byte[] decode(String text) {
            return decode(text.getBytes(StandardCharsets.ISO_8859_1));
        }

        public byte[] decode(byte[] text) {
            byte[] out = new byte[text.length / 4 * 3 + 3];
            int length = 0;
            int group = 0;
            int digits = 0;
            int at = 0;
            for (; at < text.length && text[at] != '='; at++) {
                int value = text[at] < 0 ? -1 : values[text[at]];
                if (value < 0) {
                    if (lenient) {
                        continue;
                    }
                    throw new IllegalArgumentException("Illegal base64 character " + Integer.toString(text[at] & 255, 16));
                }
                group = group << 6 | value;
                if (++digits == 4) {
                    out[length++] = (byte) (group >> 16);
                    out[length++] = (byte) (group >> 8);
                    out[length++] = (byte) group;
                    group = 0;
                    digits = 0;
                }
            }
            if (digits == 1) {
                throw new IllegalArgumentException(at < text.length ? "Input byte array has wrong 4-byte ending unit" : "Last unit does not have enough valid bits");
            }
            if (at < text.length) {
                int signs = 0;
                for (; at < text.length; at++) {
                    if (text[at] == '=') {
                        signs++;
                    } else if (!lenient) {
                        throw new IllegalArgumentException("Input byte array has incorrect ending byte at " + at);
                    }
                }
                if (digits + signs != 4) {
                    throw new IllegalArgumentException("Input byte array has wrong 4-byte ending unit");
                }
            }
            if (digits >= 2) {
                out[length++] = (byte) (group >> (digits == 2 ? 4 : 10));
            }
            if (digits == 3) {
                out[length++] = (byte) (group >> 2);
            }
            return Arrays.copyOf(out, length);
        }
    }
}
