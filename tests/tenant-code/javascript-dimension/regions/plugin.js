import { dimension } from "millrace";

export const schema = { id: "BIGINT NOT NULL", title: "STRING", tax: "DOUBLE" };

export function process(row) {
  const region = dimension("regions").get(row.region);
  if (region === null) throw new RangeError(`region \`${row.region}\` is unknown`);
  return { id: row.id, title: region.title, tax: region.tax };
}
