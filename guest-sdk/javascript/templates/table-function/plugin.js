// A SQL table function: any number of rows per row. `millrace plugin test .` calls it with the rows of rows.jsonl.

export const signatures = { parameters: "text STRING", result: "word STRING NOT NULL, length INT NOT NULL" };

/** Answers rows: an array, or whatever can be iterated. */
export function* evaluate(text) {
  for (const word of (text ?? "").split(/\s+/)) {
    if (word) yield { word, length: word.length };
  }
}
