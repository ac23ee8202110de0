// What a plugin in JavaScript imports: `import { count, log, params } from "millrace"`. For editors; the module itself is in
// the core.

declare module "millrace" {
  type Write = (...values: unknown[]) => void;
  export const log: Readonly<Record<"trace" | "debug" | "info" | "warn" | "error", Write>>;

  /** Adds to a counter that shows among the operator's metrics. */
  export function count(name: string, delta?: number): void;
  /** Change kind of the row that is being processed. */
  export function kind(): "+I" | "-U" | "+U" | "-D";

  /** Parameters of the node: without a default they are required. */
  export const params: {
    has(name: string): boolean;
    text(name: string, fallback?: string): string;
    number(name: string, fallback?: number): number;
    boolean(name: string, fallback?: boolean): boolean;
    words(name: string, fallback?: string[]): string[];
  };

  type Row = Record<string, unknown>;
  /** A dimension table of the job; its only one without a name. */
  export function dimension(name?: string): {
    get(...key: unknown[]): Row | null;
    getAll(keys: Iterable<unknown>): (Row | null)[];
  };

  /** Sends a request to a granted host. Redirects are answered, not followed. */
  export function http(
    method: string,
    url: string,
    options?: { headers?: Record<string, string>; body?: string | Uint8Array; timeoutMs?: number },
  ): { status: number; headers: Record<string, string[]>; body: Uint8Array; text(): string; json(): any };
  /** A secret that is granted. */
  export function secret(name: string): string;
  /** A file that was packed with the plugin. */
  export function packedFile(name: string): Uint8Array | null;

  /** A decimal number of any size, exact. */
  export class Decimal {
    constructor(value: string | number | bigint | Decimal, scale?: number);
    static of(value: string | number | bigint | Decimal): Decimal;
    add(other: unknown): Decimal;
    sub(other: unknown): Decimal;
    mul(other: unknown): Decimal;
    div(other: unknown, scale?: number): Decimal;
    round(scale: number): Decimal;
    cmp(other: unknown): number;
    eq(other: unknown): boolean;
    neg(): Decimal;
    abs(): Decimal;
    toNumber(): number;
    toString(): string;
  }
}
