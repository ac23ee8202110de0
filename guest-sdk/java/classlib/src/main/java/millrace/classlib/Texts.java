package millrace.classlib;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** String. */
@Adds(to = String.class)
final class Texts {
    private Texts() {}

    public static Stream<String> lines(String text) {
        List<String> lines = new ArrayList<>();
        int from = 0;
        while (from < text.length()) {
            int to = from;
            while (to < text.length() && text.charAt(to) != '\n' && text.charAt(to) != '\r') {
                to++;
            }
            lines.add(text.substring(from, to));
            boolean pair = to + 1 < text.length() && text.charAt(to) == '\r' && text.charAt(to + 1) == '\n';
            from = to + (pair ? 2 : 1);
        }
        return lines.stream();
    }

    public static String indent(String text, int n) {
        StringBuilder out = new StringBuilder();
        lines(text).forEach(line -> {
            int from = 0;
            if (n > 0) {
                out.append(" ".repeat(n));
            } else {
                while (from < -n && from < line.length() && Character.isWhitespace(line.charAt(from))) {
                    from++;
                }
            }
            out.append(line, from, line.length()).append('\n');
        });
        return out.toString();
    }

    public static <R> R transform(String text, Function<? super String, ? extends R> function) {
        return function.apply(text);
    }

    public static Optional<String> describeConstable(String text) {
        return Optional.of(text);
    }

    private static final Map<String, String> INTERNED = new HashMap<>();

    /** One object for equal texts; literals are others. */
    @Replaces
    public static String intern(String text) {
        String known = INTERNED.putIfAbsent(text, text);
        return known == null ? text : known;
    }

    @Replaces
    public static boolean isBlank(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (!Character.isWhitespace(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    @Replaces
    public static String[] split(String text, String regex) {
        return split(text, regex, 0);
    }

    /** A single character that means itself needs no pattern. */
    @Replaces
    public static String[] split(String text, String regex, int limit) {
        boolean plain = regex.length() == 1 && ".$|()[{^?*+\\".indexOf(regex.charAt(0)) < 0;
        if (!plain) {
            return Pattern.compile(regex).split(text, limit);
        }
        char separator = regex.charAt(0);
        List<String> parts = new ArrayList<>();
        int from = 0;
        for (int at = text.indexOf(separator); at >= 0 && (limit <= 0 || parts.size() < limit - 1); at = text.indexOf(separator, from)) {
            parts.add(text.substring(from, at));
            from = at + 1;
        }
        if (from == 0) {
            return new String[] {text};
        }
        parts.add(text.substring(from));
        int length = parts.size();
        while (limit == 0 && length > 0 && parts.get(length - 1).isEmpty()) {
            length--;
        }
        return parts.subList(0, length).toArray(new String[0]);
    }

    @Replaces
    public static IntStream codePoints(String text) {
        return Sequences.codePoints(text);
    }
}
