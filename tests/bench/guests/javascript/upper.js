// Rows of at least 50 with the name in upper case.
import { params } from "millrace";

export const schema = { id: "BIGINT NOT NULL", name: "STRING NOT NULL", amount: "DOUBLE NOT NULL" };

let factor;

export function open() {
  factor = params.number("factor", 1.1);
}

export function process(row) {
  return row.amount >= 50 ? { id: row.id, name: row.name.toUpperCase(), amount: row.amount * factor } : null;
}
