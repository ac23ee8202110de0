package example

import org.apache.flink.table.functions.ScalarFunction

class Shorten extends ScalarFunction {
  def eval(text: String): String = text.length
}
