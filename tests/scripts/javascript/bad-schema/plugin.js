export const schema = { id: "BIGINT", tags: "ARRAY<STRNG>" };
export const process = (row) => row;
