// Memory ends as an exception of the row; the next row works.
export function process(row) {
  if (row.id === 1) {
    const all = [];
    for (;;) all.push("x".repeat(100_000) + all.length);
  }
  return row;
}
