package millrace.classlib;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Pattern. */
@Adds(to = Pattern.class)
final class Patterns {
    private Patterns() {}

    public static Predicate<String> asPredicate(Pattern pattern) {
        return text -> pattern.matcher(text).find();
    }

    public static Predicate<String> asMatchPredicate(Pattern pattern) {
        return text -> pattern.matcher(text).matches();
    }

    public static Stream<String> splitAsStream(Pattern pattern, CharSequence text) {
        return Arrays.stream(pattern.split(text));
    }

    @Replaces
    public static String[] split(Pattern pattern, CharSequence text) {
        return split(pattern, text, 0);
    }

    @Replaces
    public static String[] split(Pattern pattern, CharSequence text, int limit) {
        List<String> parts = new ArrayList<>();
        Matcher matcher = pattern.matcher(text);
        int from = 0;
        while ((limit <= 0 || parts.size() < limit - 1) && matcher.find()) {
            // An empty match at the start cuts nothing off.
            if (matcher.end() > 0) {
                parts.add(text.subSequence(from, matcher.start()).toString());
                from = matcher.end();
            }
        }
        if (from == 0 && parts.isEmpty()) {
            return new String[] {text.toString()};
        }
        parts.add(text.subSequence(from, text.length()).toString());
        int length = parts.size();
        while (limit == 0 && length > 0 && parts.get(length - 1).isEmpty()) {
            length--;
        }
        return parts.subList(0, length).toArray(new String[0]);
    }
}
