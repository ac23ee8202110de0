// A SQL function: one value per row. `millrace plugin test .` calls it with the rows of rows.jsonl.

/** The ways to call it. SQL's rules choose one and cast the arguments. */
export const signatures = [
  { parameters: "text STRING NOT NULL, width INT NOT NULL", result: "STRING NOT NULL" },
  { parameters: "text STRING NOT NULL", result: "STRING NOT NULL" },
];

/** Called for every row. */
export function evaluate(text, width = 10) {
  return text.length <= width ? text : text.slice(0, width - 1) + "…";
}
