package text;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import millrace.tests.Cases;

public final class Builders extends Cases {
    @Override
    protected void cases() {
        check("append", () -> new StringBuilder().append(1).append('x').append(2.5).append("y").append(true).append(3L).append((Object) null));
        check("reverse", () -> new StringBuilder("a😀b").reverse());
        check("insert and delete", () -> new StringBuilder("hello").insert(0, 12).insert(3, "--").delete(0, 1).deleteCharAt(1));
        check("replace and setCharAt", () -> {
            StringBuilder text = new StringBuilder("abcdef");
            text.replace(1, 3, "XYZ").setCharAt(0, '!');
            text.setLength(4);
            return text + " " + text.length() + text.indexOf("Y") + text.lastIndexOf("Z");
        });
        check("chars of a builder", () -> new StringBuilder("ab").chars().sum() + " " + new StringBuilder("a").compareTo(new StringBuilder("b")));
        check("StringBuffer", () -> new StringBuffer("x").append(1).reverse());
        check("StringWriter", () -> {
            StringWriter text = new StringWriter();
            PrintWriter writer = new PrintWriter(text);
            writer.printf("%d-%s", 1, "a");
            writer.print(true);
            writer.flush();
            return text;
        });
        check("BufferedReader", () -> {
            BufferedReader reader = new BufferedReader(new StringReader("a\nb\n\nc"));
            StringBuilder lines = new StringBuilder();
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.append('[').append(line).append(']');
            }
            return lines;
        });
        check("BufferedReader lines", () -> new BufferedReader(new StringReader("a\nb")).lines().count());
        check("byte streams", () -> {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bytes);
            out.writeInt(7);
            out.writeUTF("é");
            out.writeDouble(2.5);
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes.toByteArray()));
            return in.readInt() + in.readUTF() + in.readDouble() + " " + bytes.size();
        });
        check("InputStreamReader", () -> new BufferedReader(
            new InputStreamReader(new ByteArrayInputStream("äb\n".getBytes(StandardCharsets.UTF_8)), StandardCharsets.UTF_8)).readLine());
        check("readAllBytes", () -> new ByteArrayInputStream(new byte[] {1, 2, 3}).readAllBytes().length);
        check("ByteBuffer", () -> {
            ByteBuffer buffer = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
            buffer.putInt(1).putLong(2).flip();
            return Arrays.toString(buffer.array()) + buffer.getInt() + buffer.remaining();
        });
    }
}
