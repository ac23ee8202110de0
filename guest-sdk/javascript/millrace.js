// The SDK that a plugin imports as `millrace`: parameters, log, counters, decimals; and how its exports become an operator.

const host = globalThis.__millrace;
delete globalThis.__millrace;

// ---- what the host gives -------------------------------------------------------------------------------------------

const LEVELS = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 };

function show(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value}\n${value.stack ?? ""}`.trimEnd();
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null || value instanceof Decimal) return String(value);
  const plain = (_, v) => (typeof v === "bigint" ? String(v) : v instanceof Map ? Object.fromEntries(v) : v);
  try {
    return JSON.stringify(value, plain) ?? String(value);
  } catch {
    return String(value);
  }
}

/** Lines in the job's log: `log.info("dropped", row)`. */
export const log = Object.freeze(
  Object.fromEntries(Object.entries(LEVELS).map(([name, level]) => [name, (...values) => host.log(level, values.map(show).join(" "))])),
);

globalThis.console = { ...log, log: log.info };

/** Adds to a counter that shows among the operator's metrics. */
export const count = (name, delta) => host.count(name, delta);

/** Change kind of the row that is being processed: "+I", "-U", "+U" or "-D". */
export const kind = () => host.kind();

class Dimension {
  #table;
  constructor(name) {
    this.#table = host.dimension(name);
  }
  /** The row of a key, one value per key column; null if there is none. */
  get(...key) {
    return host.lookup(this.#table, [key])[0];
  }
  /** Rows of many keys with one call of the host, null where there is none; keys of several columns are arrays. */
  getAll(keys) {
    return host.lookup(this.#table, [...keys].map((key) => (Array.isArray(key) ? key : [key])));
  }
}

const dimensions = new Map();

/** A dimension table of the job by its name; the job's only one without a name. */
export function dimension(name = "") {
  if (!dimensions.has(name)) dimensions.set(name, new Dimension(name));
  return dimensions.get(name);
}

/** Sends a request to a granted host, by the capability `http`. Redirects are answered, not followed. */
export function http(method, url, { headers = {}, body, timeoutMs = 10000 } = {}) {
  const answer = host.http(String(method), String(url), Object.entries(headers).flat().map(String), body, timeoutMs);
  const named = {};
  for (let i = 0; i < answer.headers.length; i += 2) (named[answer.headers[i].toLowerCase()] ??= []).push(answer.headers[i + 1]);
  const text = () => host.text(answer.body);
  return { status: answer.status, headers: named, body: answer.body, text, json: () => JSON.parse(text()) };
}

/** A secret that is granted, by the capability `secrets`. */
export const secret = (name) => host.secret(name);

/** A file that was packed with the plugin, as Uint8Array; undefined when there is none. */
export const packedFile = (name) => host.packed(name);

/** UTF-8 bytes as a string. */
export const decodeUtf8 = (bytes) => host.text(bytes);

function convert(name, text, type, read) {
  const value = read(text.trim());
  if (value === undefined) throw new TypeError(`parameter \`${name}\` is \`${text}\`, expected ${type}`);
  return value;
}

function parameter(name, fallback, type, read) {
  const text = host.parameter(name);
  if (text !== undefined) return convert(name, text, type, read);
  if (fallback === undefined) throw new ReferenceError(`parameter \`${name}\` is missing`);
  return fallback;
}

const number = (text) => (text === "" || Number.isNaN(Number(text)) ? undefined : Number(text));
const boolean = (text) => ({ true: true, false: false })[text.toLowerCase()];

/** Parameters of the node: without a default they are required. */
export const params = Object.freeze({
  has: (name) => host.parameter(name) !== undefined,
  text: (name, fallback) => parameter(name, fallback, "text", (text) => text),
  number: (name, fallback) => parameter(name, fallback, "a number", number),
  boolean: (name, fallback) => parameter(name, fallback, "true or false", boolean),
  words: (name, fallback) => parameter(name, fallback, "words", (text) => text.split(",").map((w) => w.trim()).filter(Boolean)),
});

// The same rows must give the same answers: the time comes from the capability `clock`, or not at all.
const NativeDate = Date;
NativeDate.now = () => host.now();
globalThis.Date = new Proxy(NativeDate, {
  construct: (target, values, of) => Reflect.construct(target, values.length ? values : [host.now()], of),
  apply: () => String(new NativeDate(host.now())),
});
NativeDate.prototype.constructor = globalThis.Date;

// ---- decimals ------------------------------------------------------------------------------------------------------

const power = (digits) => 10n ** BigInt(digits);

function divided(units, by) {
  // Half up, away from zero.
  const negative = units < 0n !== by < 0n;
  const [a, b] = [units < 0n ? -units : units, by < 0n ? -by : by];
  const quotient = (2n * a + b) / (2n * b);
  return negative ? -quotient : quotient;
}

/** A decimal number of any size: `units` divided by 10 to the power of `scale`. */
export class Decimal {
  constructor(value, scale) {
    if (typeof value === "bigint") {
      this.units = scale === undefined ? value : value;
      this.scale = scale ?? 0;
      return;
    }
    if (value instanceof Decimal) {
      this.units = value.units;
      this.scale = value.scale;
      return;
    }
    const match = /^\s*([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?\s*$/.exec(String(value));
    if (!match || match[2] + match[3] === "") throw new TypeError(`\`${value}\` is no decimal number`);
    const exponent = Number(match[4] ?? 0);
    this.units = BigInt(match[1] + match[2] + match[3] || "0");
    this.scale = match[3].length - exponent;
    if (this.scale < 0) {
      this.units *= power(-this.scale);
      this.scale = 0;
    }
  }
  static of(value) {
    return value instanceof Decimal ? value : new Decimal(value);
  }
  #with(other) {
    const b = Decimal.of(other);
    const scale = Math.max(this.scale, b.scale);
    return [this.units * power(scale - this.scale), b.units * power(scale - b.scale), scale];
  }
  add(other) {
    const [a, b, scale] = this.#with(other);
    return new Decimal(a + b, scale);
  }
  sub(other) {
    const [a, b, scale] = this.#with(other);
    return new Decimal(a - b, scale);
  }
  mul(other) {
    const b = Decimal.of(other);
    return new Decimal(this.units * b.units, this.scale + b.scale);
  }
  /** Rounded half up to `scale` digits. */
  div(other, scale = 18) {
    const b = Decimal.of(other);
    if (b.units === 0n) throw new RangeError("division by zero");
    return new Decimal(divided(this.units * power(scale + b.scale), b.units * power(this.scale)), scale);
  }
  /** Rounded half up to `scale` digits. */
  round(scale = 0) {
    if (scale >= this.scale) return new Decimal(this.units * power(scale - this.scale), scale);
    return new Decimal(divided(this.units, power(this.scale - scale)), scale);
  }
  neg() {
    return new Decimal(-this.units, this.scale);
  }
  abs() {
    return this.units < 0n ? this.neg() : this;
  }
  /** Negative, zero or positive. */
  cmp(other) {
    const [a, b] = this.#with(other);
    return a < b ? -1 : a > b ? 1 : 0;
  }
  eq(other) {
    return this.cmp(other) === 0;
  }
  isZero() {
    return this.units === 0n;
  }
  toString() {
    const digits = String(this.units < 0n ? -this.units : this.units).padStart(this.scale + 1, "0");
    const at = digits.length - this.scale;
    return (this.units < 0n ? "-" : "") + digits.slice(0, at) + (this.scale ? "." + digits.slice(at) : "");
  }
  toJSON() {
    return this.toString();
  }
  /** The nearest double. */
  toNumber() {
    return Number(this.toString());
  }
  valueOf() {
    return this.toNumber();
  }
}

// ---- schemas -------------------------------------------------------------------------------------------------------

// As the contract orders them.
const TYPES = ["BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL", "STRING", "BYTES", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ", "ARRAY", "MAP", "ROW"];
const ALIASES = { INTEGER: "INT", NUMERIC: "DECIMAL", DEC: "DECIMAL", VARCHAR: "STRING", CHAR: "STRING", TEXT: "STRING", VARBINARY: "BYTES", BINARY: "BYTES", REAL: "FLOAT" };
const [DECIMAL, TIME, TIMESTAMP, ARRAY, MAP, ROW] = ["DECIMAL", "TIME", "TIMESTAMP", "ARRAY", "MAP", "ROW"].map((t) => TYPES.indexOf(t));

/** Reads SQL types. */
class TypeReader {
  constructor(text) {
    this.text = text;
    this.tokens = text.match(/`[^`]*`|[A-Za-z_][A-Za-z0-9_$]*|\d+|[<>(),]|\S/g) ?? [];
    this.at = 0;
  }
  fail(expected) {
    throw new TypeError(`cannot read the type \`${this.text}\`: expected ${expected}, found ${this.tokens[this.at] ?? "its end"}`);
  }
  word(word) {
    if ((this.tokens[this.at] ?? "").toUpperCase() !== word) return false;
    this.at += 1;
    return true;
  }
  need(word) {
    if (!this.word(word)) this.fail(`\`${word}\``);
  }
  number() {
    if (!/^\d+$/.test(this.tokens[this.at] ?? "")) this.fail("a number");
    return Number(this.tokens[this.at++]);
  }
  name() {
    const token = this.tokens[this.at] ?? "";
    if (!/^[`A-Za-z_]/.test(token)) this.fail("a name");
    this.at += 1;
    return token.startsWith("`") ? token.slice(1, -1) : token;
  }
  /** Pushes the field and its children, depth first. */
  field(name, into) {
    const written = (this.tokens[this.at++] ?? "").toUpperCase();
    const type = TYPES.indexOf(ALIASES[written] ?? written);
    if (type < 0) {
      this.at -= 1;
      this.fail("a type");
    }
    const field = { name, type, precision: 0, scale: 0, nullable: true, children: 0 };
    into.push(field);
    if (type === DECIMAL) [field.precision, field.scale] = [10, 0];
    if (type >= TIMESTAMP && type < ARRAY) field.precision = 6;
    if (type === ARRAY || type === MAP || type === ROW) {
      const round = type === ROW && this.word("(");
      if (!round) this.need("<");
      if (type === ROW) {
        do {
          const name = this.name();
          this.field(name, into);
          field.children += 1;
        } while (this.word(","));
      } else {
        field.children = type === MAP ? 2 : 1;
        const child = into.length;
        this.field(type === MAP ? "key" : "item", into);
        // A key is never NULL, whatever the type says.
        if (type === MAP) into[child].nullable = false;
        if (type === MAP) {
          this.need(",");
          this.field("value", into);
        }
      }
      this.need(round ? ")" : ">");
    } else if (this.word("(")) {
      field.precision = this.number();
      if (type === DECIMAL && this.word(",")) field.scale = this.number();
      this.need(")");
      if (type !== DECIMAL && type < TIME) field.precision = 0;
    }
    if (type === TIMESTAMP && this.word("WITH")) {
      if (this.word("LOCAL")) field.type += 1;
      this.need("TIME");
      this.need("ZONE");
    } else if (type === TIMESTAMP && this.word("WITHOUT")) {
      this.need("TIME");
      this.need("ZONE");
    }
    if (this.word("NOT")) {
      this.need("NULL");
      field.nullable = false;
    } else {
      this.word("NULL");
    }
  }
  end() {
    if (this.at < this.tokens.length) this.fail("the end");
  }
}

/** Columns as the contract's flat fields: from "id BIGINT NOT NULL, item STRING" or {id: "BIGINT NOT NULL", item: "STRING"}. */
export function parseSchema(schema) {
  const fields = [];
  if (typeof schema === "string") {
    const reader = new TypeReader(schema);
    do {
      const name = reader.name();
      reader.field(name, fields);
    } while (reader.word(","));
    reader.end();
  } else {
    for (const [name, type] of Object.entries(schema)) {
      const reader = new TypeReader(String(type));
      reader.field(name, fields);
      reader.end();
    }
  }
  return fields;
}

function typeText(fields, at) {
  const field = fields[at.index++];
  let text = TYPES[field.type];
  const children = [];
  for (let i = 0; i < field.children; i++) {
    const name = fields[at.index].name;
    children.push(field.type === ROW ? `\`${name}\` ${typeText(fields, at)}` : typeText(fields, at));
  }
  if (children.length) text += `<${children.join(", ")}>`;
  else if (field.type === DECIMAL) text += `(${field.precision}, ${field.scale})`;
  else if (field.type >= TIME && field.type < ARRAY) text += `(${field.precision})`;
  return text + (field.nullable ? "" : " NOT NULL");
}

/** {id: "BIGINT NOT NULL", …} of flat fields. */
function schemaText(fields) {
  const [schema, at] = [{}, { index: 0 }];
  while (at.index < fields.length) schema[fields[at.index].name] = typeText(fields, at);
  return schema;
}

// ---- how exports become an operator or a function --------------------------------------------------------------------

let plugin;

export function __load(exports) {
  plugin = exports;
}

function exported(name, type) {
  if (typeof plugin[name] !== type) throw new TypeError(`the plugin exports no ${type} \`${name}\``);
  return plugin[name];
}

// The scale of a BIGINT says whether it is read as BigInt.
const asRead = (fields) => fields.map((f) => (TYPES[f.type] === "BIGINT" ? { ...f, scale: plugin.bigint ? 1 : 0 } : f));
const asSent = (fields) => fields.map((f) => (TYPES[f.type] === "BIGINT" ? { ...f, scale: 0 } : f));

export async function __openEtl(input) {
  const process = exported("process", "function");
  const schema = schemaText(input);
  if (plugin.open !== undefined) await exported("open", "function")(schema);
  const declared = typeof plugin.schema === "function" ? await plugin.schema(schema) : plugin.schema;
  const output = declared === undefined ? input : parseSchema(declared);
  if (output.length === 0) throw new TypeError("`schema` has no columns");
  const read = asRead(input);
  return { input: read, output: declared === undefined ? read : asSent(output), process };
}

export const __entries = (value) => (value instanceof Map ? [...value] : Object.entries(value));
export const __collect = (iterator) => Array.from({ [Symbol.iterator]: () => iterator });
export const __parseDate = NativeDate.parse;

// ---- SQL functions ---------------------------------------------------------------------------------------------------

function declaredSignatures() {
  const declared = plugin.signatures;
  if (declared === undefined) throw new TypeError("the plugin exports no `signatures`; expected [{parameters: \"a BIGINT\", result: \"STRING\"}]");
  return Array.isArray(declared) ? declared : [declared];
}

const resultOf = (world, signature) => {
  if (signature.result === undefined) throw new TypeError("a signature has no `result`");
  return parseSchema(world === "table" ? signature.result : { result: signature.result });
};
const parametersOf = (signature) => (signature.parameters ? parseSchema(signature.parameters) : []);

export function __signatures(world) {
  return declaredSignatures().map((signature) => ({
    parameters: parametersOf(signature),
    variadic: signature.variadic ?? false,
    result: resultOf(world, signature),
    deterministic: signature.deterministic ?? true,
    retracts: typeof (signature.retract ?? plugin.retract) === "function",
    merges: typeof (signature.merge ?? plugin.merge) === "function",
  }));
}

/** Top-level fields with those below them. */
function grouped(fields) {
  const groups = [];
  const walk = (at) => {
    let next = at + 1;
    for (let i = 0; i < fields[at].children; i++) next = walk(next);
    return next;
  };
  for (let at = 0; at < fields.length; ) {
    const next = walk(at);
    groups.push(fields.slice(at, next));
    at = next;
  }
  return groups;
}

export function __openFunction(world, number, count) {
  const signature = declaredSignatures()[number];
  const parameters = grouped(parametersOf(signature));
  if (signature.variadic) {
    const last = parameters.pop();
    while (parameters.length < count) parameters.push(last.map((field) => ({ ...field })));
  }
  const functionOf = (name, needed) => {
    const found = typeof signature[name] === "function" ? signature[name] : plugin[name];
    if (needed && typeof found !== "function") throw new TypeError(`the plugin exports no function \`${name}\``);
    return found;
  };
  const opened = { input: asRead(parameters.flat()), output: asSent(resultOf(world, signature)) };
  if (world !== "aggregate") return { ...opened, evaluate: functionOf("evaluate", true) };
  const needed = ["create", "accumulate", "result"];
  for (const name of [...needed, "retract", "merge"]) opened[name] = functionOf(name, needed.includes(name));
  return opened;
}

/** Rows that a table function answered. */
export function __rows(value) {
  if (Array.isArray(value)) return value;
  if (typeof value === "object" && typeof value[Symbol.iterator] === "function" && !(value instanceof Map)) return [...value];
  return [value];
}

// What JSON cannot say, as {"$": what, "v": value}.
const TAGS = [
  ["bigint", (v) => typeof v === "bigint", String, BigInt],
  ["decimal", (v) => v instanceof Decimal, String, (text) => new Decimal(text)],
  ["date", (v) => v instanceof NativeDate, (v) => [v.getTime(), v.nanos ?? 0], ([ms, nanos]) => Object.assign(new NativeDate(ms), nanos ? { nanos } : {})],
  ["map", (v) => v instanceof Map, (v) => [...v], (entries) => new Map(entries)],
  ["set", (v) => v instanceof Set, (v) => [...v], (values) => new Set(values)],
  ["bytes", (v) => v instanceof Uint8Array, (v) => [...v], (values) => new Uint8Array(values)],
  ["number", (v) => typeof v === "number" && (!Number.isFinite(v) || Object.is(v, -0)), (v) => (Object.is(v, -0) ? "-0" : String(v)), Number],
];

/** The state of an accumulator as text: by the plugin's `save`, or as JSON that also knows BigInt, Decimal, Date, Map and Set. */
export function __save(accumulator) {
  if (plugin.save !== undefined) return String(exported("save", "function")(accumulator));
  return JSON.stringify(accumulator, function (key) {
    const value = this[key];
    const tag = TAGS.find(([, is]) => is(value));
    return tag ? { $: tag[0], v: tag[2](value) } : value;
  });
}

export function __restore(text) {
  if (plugin.restore !== undefined) return exported("restore", "function")(text);
  return JSON.parse(text, (_, value) => {
    const tag = value !== null && typeof value === "object" && "$" in value ? TAGS.find(([name]) => name === value.$) : undefined;
    return tag ? tag[3](value.v) : value;
  });
}
