package millrace.runtime;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads JSON: objects as maps in order, arrays as lists, numbers as long or double. Enough for schemas. */
final class Json {
    private static final int DEPTH_MAX = 64;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    static Object parse(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        json.skip();
        if (json.at < text.length()) {
            throw json.unexpected("the end");
        }
        return value;
    }

    private IllegalArgumentException unexpected(String expected) {
        String found = at < text.length() ? "`" + text.charAt(at) + "`" : "the end";
        return new IllegalArgumentException("the JSON has " + found + " at character " + (at + 1) + ", expected " + expected);
    }

    private void skip() {
        while (at < text.length() && text.charAt(at) <= ' ') {
            at++;
        }
    }

    private boolean take(char wanted) {
        skip();
        if (at < text.length() && text.charAt(at) == wanted) {
            at++;
            return true;
        }
        return false;
    }

    private void require(char wanted) {
        if (!take(wanted)) {
            throw unexpected("`" + wanted + "`");
        }
    }

    private Object value(int depth) {
        if (depth > DEPTH_MAX) {
            throw new IllegalArgumentException("the JSON is nested deeper than " + DEPTH_MAX + " levels");
        }
        if (take('{')) {
            return object(depth);
        }
        if (take('[')) {
            return array(depth);
        }
        if (at < text.length() && text.charAt(at) == '"') {
            return string();
        }
        return word();
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> object = new LinkedHashMap<>();
        if (take('}')) {
            return object;
        }
        do {
            skip();
            String name = string();
            require(':');
            object.put(name, value(depth + 1));
        } while (take(','));
        require('}');
        return object;
    }

    private List<Object> array(int depth) {
        List<Object> array = new ArrayList<>();
        if (take(']')) {
            return array;
        }
        do {
            array.add(value(depth + 1));
        } while (take(','));
        require(']');
        return array;
    }

    private String string() {
        require('"');
        StringBuilder string = new StringBuilder();
        while (at < text.length() && text.charAt(at) != '"') {
            char c = text.charAt(at++);
            if (c == '\\' && at < text.length()) {
                string.append(escaped());
            } else {
                string.append(c);
            }
        }
        require('"');
        return string.toString();
    }

    private char escaped() {
        char c = text.charAt(at++);
        switch (c) {
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u':
                if (at + 4 > text.length()) {
                    throw unexpected("four hexadecimal digits");
                }
                at += 4;
                return (char) Integer.parseInt(text.substring(at - 4, at), 16);
            default:
                return c;
        }
    }

    private Object word() {
        int from = at;
        while (at < text.length() && ",]} \n\r\t:".indexOf(text.charAt(at)) < 0) {
            at++;
        }
        String word = text.substring(from, at);
        switch (word) {
            case "true":
                return true;
            case "false":
                return false;
            case "null":
                return null;
            default:
                try {
                    return Long.parseLong(word);
                } catch (NumberFormatException e) {
                    at = from;
                    throw unexpected("a value");
                }
        }
    }
}
