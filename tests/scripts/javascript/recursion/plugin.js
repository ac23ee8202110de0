// Every way to recurse ends as an exception of the row.
const deep = { toJSON: () => JSON.stringify(deep) };
const ways = [
  () => { const f = () => f() + 1; return f(); },
  () => JSON.stringify(deep),
  () => { const f = () => [1].map(f); return f(); },
  () => { const f = () => [2, 1].sort(f); return f(); },
  () => { const f = () => "a".replace(/a/, f); return f(); },
  () => { const o = { get x() { return this.x; } }; return o.x; },
  () => { const p = new Proxy({}, { get: (t, k, r) => r[k] }); return p.x; },
  () => { class A { constructor() { new A(); } } return new A(); },
  () => { const f = (...a) => f(...a, 1); return f(); },
  () => JSON.parse("[".repeat(100_000)),
  () => new RegExp("(".repeat(100_000)),
  () => { let a = []; for (let i = 0; i < 100_000; i++) a = [a]; return JSON.stringify(a); },
  () => { let a = []; for (let i = 0; i < 100_000; i++) a = [a]; return String(a); },
  () => { const f = function* () { yield* f(); }; return [...f()]; },
  () => { const f = () => Reflect.apply(f, null, []); return f(); },
  () => { const f = f.bind; return f; },
  () => { let f = () => 1; for (let i = 0; i < 100_000; i++) f = f.bind(null); return f(); },
  () => /^(a+)+$/.test("a".repeat(20) + "b"),
];
export const schema = "id BIGINT NOT NULL, error STRING";
export function process(row) {
  const way = ways[row.id - 1];
  if (!way) return { id: row.id };
  try {
    return { id: row.id, error: `answered ${typeof way()}` };
  } catch (e) {
    return { id: row.id, error: e instanceof Error ? `${e.name}: ${e.message}` : String(e) };
  }
}
