package millrace.classlib;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.stream.Stream;

/** Matcher. */
@Adds(to = Matcher.class)
final class Matchers {
    private Matchers() {}

    public static Matcher appendReplacement(Matcher matcher, StringBuilder out, String replacement) {
        StringBuffer buffer = new StringBuffer();
        matcher.appendReplacement(buffer, replacement);
        out.append(buffer);
        return matcher;
    }

    public static StringBuilder appendTail(Matcher matcher, StringBuilder out) {
        StringBuffer buffer = new StringBuffer();
        matcher.appendTail(buffer);
        return out.append(buffer);
    }

    public static String replaceAll(Matcher matcher, Function<MatchResult, String> replacer) {
        matcher.reset();
        StringBuffer out = new StringBuffer();
        while (matcher.find()) {
            matcher.appendReplacement(out, replacer.apply(matcher));
        }
        return matcher.appendTail(out).toString();
    }

    public static String replaceFirst(Matcher matcher, Function<MatchResult, String> replacer) {
        matcher.reset();
        StringBuffer out = new StringBuffer();
        if (matcher.find()) {
            matcher.appendReplacement(out, replacer.apply(matcher));
        }
        return matcher.appendTail(out).toString();
    }

    public static Stream<MatchResult> results(Matcher matcher) {
        matcher.reset();
        List<MatchResult> results = new ArrayList<>();
        while (matcher.find()) {
            results.add(matcher.toMatchResult());
        }
        return results.stream();
    }
}
