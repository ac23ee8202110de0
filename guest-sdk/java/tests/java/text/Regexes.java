package text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import millrace.tests.Cases;

public final class Regexes extends Cases {
    @Override
    protected void cases() {
        check("groups", () -> {
            Matcher m = Pattern.compile("(\\w+)@(?<domain>[a-z.]+)").matcher("x bob@ex.com y");
            return m.find() ? m.group(1) + "/" + m.group("domain") + m.start() + m.end(1) + m.groupCount() : "none";
        });
        check("find all", () -> {
            List<String> found = new ArrayList<>();
            Matcher m = Pattern.compile("\\d+").matcher("a1b22c333");
            while (m.find()) {
                found.add(m.group());
            }
            return found;
        });
        check("matches", () -> Pattern.matches("[a-z]+\\d?", "abc1") + " " + "2024-01-02".matches("\\d{4}-\\d{2}-\\d{2}"));
        check("flags", () -> Pattern.compile("HELLO", Pattern.CASE_INSENSITIVE).matcher("hello").matches()
            + " " + Pattern.compile("^b$", Pattern.MULTILINE).matcher("a\nb\nc").find()
            + " " + Pattern.compile("a.b", Pattern.DOTALL).matcher("a\nb").matches()
            + " " + Pattern.compile("(?i)ÄB", Pattern.UNICODE_CASE).matcher("äb").matches());
        check("look around", () -> "price: 100USD 200EUR".replaceAll("\\d+(?=USD)", "#") + "ab".replaceAll("(?<=a)b", "!") + "foobar".replaceAll("foo(?!baz)", "x"));
        check("reluctant and possessive", () -> "<a><b>".replaceAll("<.+?>", "T") + " " + "aaa".matches("a*+a") + "aab".replaceAll("a{2}", "x"));
        check("back references", () -> "abab abba".replaceAll("(ab)\\1", "[$1$1]") + " " + "aa bb ab".replaceAll("(.)\\1", "="));
        check("replacement by function", () -> Pattern.compile("\\d+").matcher("a1b22").replaceAll(r -> "<" + r.group().length() + ">"));
        check("appendReplacement", () -> {
            Matcher m = Pattern.compile("\\$\\{(\\w+)}").matcher("hi ${name}, ${x}!");
            StringBuffer text = new StringBuffer();
            while (m.find()) {
                m.appendReplacement(text, Matcher.quoteReplacement("[" + m.group(1) + "$]"));
            }
            return m.appendTail(text);
        });
        check("appendReplacement to a builder", () -> {
            Matcher m = Pattern.compile("b").matcher("abc");
            StringBuilder text = new StringBuilder();
            while (m.find()) {
                m.appendReplacement(text, "-");
            }
            return m.appendTail(text);
        });
        check("quote", () -> "a.b".replaceAll(Pattern.quote("."), "!") + Pattern.compile("a+b", Pattern.LITERAL).matcher("a+b").matches());
        check("split", () -> Arrays.toString(Pattern.compile("\\s*,\\s*").split("a , b,c")) + Pattern.compile(",").splitAsStream("x,y").count());
        check("asPredicate", () -> List.of("a1", "b", "c2").stream().filter(Pattern.compile("\\d").asPredicate()).collect(Collectors.toList()));
        check("results", () -> Pattern.compile("\\w").matcher("a b c").results().map(MatchResult::group).collect(Collectors.joining("+")));
        check("classes", () -> "aB3_ \t-é漢".replaceAll("\\p{L}", "L").replaceAll("\\s", "_").replaceAll("[^L_\\d]", "?"));
        check("class operations", () -> "abcdefxyz".replaceAll("[a-z&&[^bc]]", "*") + "a-b]".replaceAll("[\\]\\-]", "."));
        check("unicode classes", () -> "Äbc漢1".replaceAll("\\p{Lu}", "U").replaceAll("\\p{Nd}", "N"));
        check("posix classes", () -> "aB1!".replaceAll("\\p{Upper}", "u").replaceAll("\\p{Punct}", "p").replaceAll("\\p{Digit}", "d").replaceAll("\\p{Alpha}", "l"));
        check("alternation and anchors", () -> "cat dog bird".replaceAll("\\b(cat|bird)\\b", "X") + "aXa".replaceAll("^a|a$", "-"));
        check("hitEnd and region", () -> {
            Matcher m = Pattern.compile("abc").matcher("xxab");
            boolean found = m.find();
            m.region(2, 4);
            return found + " " + m.hitEnd() + " " + m.lookingAt() + " " + m.regionStart();
        });
        check("toMatchResult and reset", () -> {
            Matcher m = Pattern.compile("(a)(b)?").matcher("ac");
            m.find();
            MatchResult result = m.toMatchResult();
            return result.group(2) + result.start(2) + m.reset("ab").matches() + m.group(2);
        });
        check("bad pattern", () -> {
            try {
                return Pattern.compile("a(b");
            } catch (PatternSyntaxException e) {
                return "bad pattern " + e.getPattern();
            }
        });
        check("no match", () -> {
            try {
                return Pattern.compile("a").matcher("b").group();
            } catch (IllegalStateException e) {
                return "no match";
            }
        });
        check("log line", () -> {
            Matcher m = Pattern.compile("^(\\S+) \\S+ \\S+ \\[([^\\]]+)] \"(\\S+) (\\S+)[^\"]*\" (\\d{3}) (\\d+|-)$")
                .matcher("10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 2326");
            return m.matches() ? m.group(1) + m.group(2) + m.group(4) + m.group(5) + m.group(6) : "none";
        });
        check("toString and flags", () -> Pattern.compile("a|b", Pattern.CASE_INSENSITIVE) + " " + Pattern.compile("x", 2).flags());
    }
}
