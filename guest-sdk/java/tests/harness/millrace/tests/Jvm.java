package millrace.tests;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Prints the answer of every case of the classes that it is given, a JSON object a line. */
public final class Jvm {
    private Jvm() {}

    public static void main(String[] classes) throws Exception {
        StringBuilder text = new StringBuilder();
        for (String name : classes) {
            Cases cases = (Cases) Class.forName(name).getDeclaredConstructor().newInstance();
            for (Map.Entry<String, Cases.Body> entry : cases.all().entrySet()) {
                text.append("{\"class\":");
                quote(text, name);
                text.append(",\"name\":");
                quote(text, entry.getKey());
                text.append(",\"answer\":");
                quote(text, Cases.answer(entry.getValue()));
                text.append("}\n");
            }
        }
        System.out.write(text.toString().getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }

    private static void quote(StringBuilder text, String value) {
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (c < ' ') {
                text.append(String.format("\\u%04x", (int) c));
            } else {
                text.append(c);
            }
        }
        text.append('"');
    }
}
