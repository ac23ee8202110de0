// Keeps orders above a limit and adds a fee.
//
// `millrace plugin test .` runs it on the rows of rows.jsonl.
import { count, log, params } from "millrace";

/** Columns of the answer. Without it they are those of the input. */
export const schema = {
  id: "BIGINT NOT NULL",
  item: "STRING",
  amount: "DOUBLE NOT NULL",
};

let amountMin;

/** Called once before any row. */
export function open(input) {
  amountMin = params.number("amount_min", 100);
  log.debug("opened with the columns", Object.keys(input).join(", "));
}

/** Called for every row: answers a row, an array of rows, or nothing. An exception rejects the row. */
export function process(order) {
  if (order.amount < 0) throw new RangeError(`order ${order.id} has the negative amount ${order.amount}`);
  if (order.amount === null || order.amount < amountMin) {
    count("orders_dropped");
    return null;
  }
  return { id: order.id, item: order.item, amount: order.amount * 1.1 };
}
