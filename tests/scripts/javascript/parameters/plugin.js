// Parameters, log, counters, random numbers that are the same every time, packed modules.
import { count, kind, log, params } from "millrace";

export const schema = "text STRING";
export function open(input) {
  console.log("columns", input, 5n, null, undefined);
  log.warn("missing", params.has("missing"), params.number("missing", 7));
}
export function process(row) {
  count("rows");
  count("bytes", 10n);
  const random = Math.random();
  if (!(random >= 0 && random < 1)) throw new Error("random");
  return { text: [params.number("min"), params.boolean("on"), params.words("names").join("+"), params.text("label", "none"), kind(), new Date(0).toISOString()].join(" ") };
}
