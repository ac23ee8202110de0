// A row, several, none; untouched, changed, copied; a generator, a promise.
export const schema = "id BIGINT NOT NULL, name STRING";

export function process(row) {
  switch (row.id) {
    case 1: return row;
    case 2: return [{ id: 20n, name: row.name }, { id: 21 }];
    case 3: return null;
    case 4: return;
    case 5: return false;
    case 6: row.name = row.name.toUpperCase(); return row;
    case 7: return { ...row, name: Object.keys(row).join() };
    case 8: return (function* () { yield { id: 80 }; yield { id: 81 }; })();
    case 9: return (async () => ({ id: await Promise.resolve(90) }))();
    case 10: delete row.name; return [row, row];
    case 11: return { id: 11, name: `${"name" in row} ${"other" in row} ${row.hasOwnProperty("id")} ${JSON.stringify(row)}` };
    case 12: return [];
  }
}
