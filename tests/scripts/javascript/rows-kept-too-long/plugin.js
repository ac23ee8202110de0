// A row that is kept beyond its batch cannot be read: its memory is the next batch's.
let kept;
export const schema = "id BIGINT NOT NULL";
export function process(row) {
  const before = kept;
  kept ??= row;
  if (row.id === 1025) return { id: before.id };
}
