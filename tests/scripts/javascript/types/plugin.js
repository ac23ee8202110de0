// Every type comes as the JavaScript value that stands for it, and goes back as it came.
import { Decimal, log } from "millrace";

const show = (v) =>
  v === null ? "null"
  : v instanceof Date ? `Date ${v.toISOString()} +${v.nanos ?? 0} ns`
  : v instanceof Decimal ? `Decimal ${v}`
  : v instanceof Uint8Array ? `Uint8Array ${[...v]}`
  : v instanceof Map ? `Map ${JSON.stringify([...v])}`
  : Array.isArray(v) ? `Array [${v.map(show)}]`
  : typeof v === "object" ? `object {${Object.entries(v).map(([k, w]) => `${k}: ${show(w)}`)}}`
  : `${typeof v} ${v}`;

export function process(row) {
  for (const [name, value] of Object.entries(row)) log.info(name, show(value));
  // A copy: every value goes through JavaScript and back.
  return { ...row };
}
