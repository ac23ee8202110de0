package millrace.nexmark;

import org.apache.flink.table.functions.ScalarFunction;

/** How often a letter is in a text: the function of q14. */
public class CountChar extends ScalarFunction {
    public long eval(String text, String letter) {
        var count = 0L;
        var wanted = letter.charAt(0);
        for (var at = 0; text != null && at < text.length(); at++) {
            if (text.charAt(at) == wanted) {
                count++;
            }
        }
        return count;
    }
}
