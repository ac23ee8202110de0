package example

import org.apache.flink.table.functions.ScalarFunction

/** `SHORTEN(text, width)`: a text cut to a width. One `eval` per signature. */
class Shorten extends ScalarFunction {
  def eval(text: String, width: Integer): String =
    if (text == null || width == null || text.length <= width) text
    else text.take(math.max(0, width - 1)) + "…"
}
