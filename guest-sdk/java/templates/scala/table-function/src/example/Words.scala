package example

import org.apache.flink.table.annotation.{DataTypeHint, FunctionHint}
import org.apache.flink.table.functions.TableFunction
import org.apache.flink.types.Row

/** `LATERAL TABLE(WORDS(text))`: the words of a text, one a row. */
@FunctionHint(output = new DataTypeHint("ROW<word STRING, length INT>"))
class Words extends TableFunction[Row] {
  def eval(text: String): Unit =
    if (text != null) {
      text.split(" ").foreach(word => collect(Row.of(word, Int.box(word.length))))
    }
}
