package millrace.classlib;

import java.util.stream.IntStream;

/** CharSequence. */
@Adds(to = CharSequence.class)
final class Sequences {
    private Sequences() {}

    @Static
    public static int compare(CharSequence a, CharSequence b) {
        int length = Math.min(a.length(), b.length());
        for (int i = 0; i < length; i++) {
            if (a.charAt(i) != b.charAt(i)) {
                return a.charAt(i) - b.charAt(i);
            }
        }
        return a.length() - b.length();
    }

    @Replaces
    public static IntStream codePoints(CharSequence text) {
        IntStream.Builder points = IntStream.builder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                points.add(Character.toCodePoint(c, text.charAt(++i)));
            } else {
                points.add(c);
            }
        }
        return points.build();
    }
}
