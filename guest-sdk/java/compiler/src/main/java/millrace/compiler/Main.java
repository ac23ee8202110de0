package millrace.compiler;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Reads requests from standard input and writes answers to standard output, one line of JSON each. */
public final class Main {
    private Main() {}

    /** Arguments: folders and archives of the SDK and of the runtime, each separated by the system's path separator. */
    public static void main(String[] arguments) throws IOException {
        PrintStream answers = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false, StandardCharsets.UTF_8);
        // Whatever a compiler prints must not come between the answers.
        System.setOut(System.err);
        Build build = new Build(Toolchain.of(arguments));
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            answers.println(Json.write(answer(build, line)));
            answers.flush();
        }
    }

    private static Map<String, Object> answer(Build build, String line) {
        Report report = new Report();
        try {
            build.run(Request.of(Json.object(Json.parse(line))), report);
        } catch (BuildFailure failure) {
            report.error(failure.diagnostic());
        } catch (StackOverflowError e) {
            report.error(Diagnostic.error("the code is nested too deeply for the compilers"));
        } catch (OutOfMemoryError e) {
            report.error(Diagnostic.error("the compilers have no memory left; the code or its JARs are too large"));
        } catch (Exception | LinkageError | AssertionError e) {
            e.printStackTrace();
            return Map.of("failure", e.toString());
        }
        return report.json();
    }
}
