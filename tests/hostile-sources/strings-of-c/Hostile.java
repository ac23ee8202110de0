import java.util.List;
import millrace.api.*;

public class Hostile extends ETLFunction {
    static int main(int argc) {
        return argc + asm.length();
    }

    static String asm = "*/ __asm__(\"int3\");";

    public String tableSchema() {
        return "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"}}}";
    }

    public List<Row> ETL(Row row) throws Exception {
        String text = "\";\n#include \"/etc/passwd\"\n??/ */ // \\ %s %n \u0000 \ud800 ??=";
        int register = 1, struct = 2, _Bool = 3, ünïcode$ = 4, __attribute__ = 5;
        if (text.length() + register + struct + _Bool + ünïcode$ + __attribute__ < main(0)) {
            throw new IllegalStateException(text);
        }
        return List.of(row);
    }
}
