package json;

import com.eclipsesource.json.JsonArray;
import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.eclipsesource.json.ParseException;
import com.eclipsesource.json.PrettyPrint;
import com.eclipsesource.json.WriterConfig;
import java.math.BigDecimal;
import millrace.tests.Cases;

/** The library that is recommended: minimal-json. */
public final class Json extends Cases {
    private static JsonValue parse(String text) {
        return com.eclipsesource.json.Json.parse(text);
    }

    @Override
    protected void cases() {
        check("parse", () -> {
            JsonObject order = parse("{\"id\": 7, \"name\": \"t\\u00e9a \\ud83d\\ude00\", \"price\": 2.50, \"paid\": true, \"note\": null}").asObject();
            return order.getInt("id", 0) + order.getString("name", "") + order.getDouble("price", 0) + order.getBoolean("paid", false) + order.get("note").isNull() + order.get("none");
        });
        check("nested", () -> {
            int sum = 0;
            for (JsonValue line : parse("{\"lines\": [{\"n\": 1}, {\"n\": 2}]}").asObject().get("lines").asArray()) {
                sum += line.asObject().get("n").asInt();
            }
            return sum;
        });
        check("numbers keep their digits", () -> new BigDecimal(parse("123456789012345678.123456789").toString()).add(BigDecimal.ONE) + " " + parse("9007199254740993").asLong() + " " + parse("1e3").asDouble());
        check("write", () -> new JsonObject().add("a", 1).add("b", "x\"\\\n\u0001é").add("c", new JsonArray().add(1.5).add(true).add(com.eclipsesource.json.Json.NULL)).toString());
        check("pretty", () -> parse("{\"a\":[1,{\"b\":2}]}").toString(WriterConfig.PRETTY_PRINT) + parse("[1]").toString(PrettyPrint.indentWithSpaces(4)));
        check("change", () -> {
            JsonObject o = parse("{\"a\":1,\"b\":2}").asObject();
            o.set("a", "z").remove("b").add("c", true);
            return o + " " + o.names();
        });
        check("malformed", () -> {
            try {
                return parse("{\"a\": }");
            } catch (ParseException e) {
                return e.getMessage() + e.getLocation();
            }
        });
        check("deep", () -> {
            String text = "[".repeat(200) + "]".repeat(200);
            return parse(text).toString().length();
        });
        check("equality", () -> parse("{\"a\":[1,2]}").equals(parse(" {\"a\" : [1, 2]} ")) + " " + parse("{\"a\":1}").hashCode());
    }
}
