// What goes wrong in one row rejects that row, with what it had answered before; the others go through.
import { Decimal } from "millrace";

export const schema = "id BIGINT NOT NULL, n INT, d DECIMAL(5, 2), a ARRAY<INT NOT NULL>";
let kept;

export function process(row) {
  switch (row.id) {
    case 1: return { id: 1 };
    case 2: throw new Error("no good");
    case 3: return nothing.here;
    case 4: return [{ id: 4 }, { id: null }];
    case 5: return { id: 1.5 };
    case 6: return { id: 6, n: 2 ** 31 };
    case 7: return { id: 7, d: "12345.678" };
    case 8: return { id: 8, a: [1, 2, null] };
    case 9: return { id: 2n ** 63n };
    case 10: return 5;
    case 11: return { id: Date.now() };
    case 12: return new Promise(() => {});
    case 13: throw "a string";
    case 14: kept = row; return { id: 14, a: [1] };
    case 15: return { id: 15, d: new Decimal("1.005").mul(3) };
    case 16: return { id: row.big };
    case 17: return { id: 17, n: "5" };
    case 18: return () => row;
  }
}
