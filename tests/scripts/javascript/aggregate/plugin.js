// A SQL aggregate function: one value per group. `millrace plugin test .` adds the rows of rows.jsonl to one group.

export const signatures = { parameters: "value DOUBLE, weight DOUBLE", result: "DOUBLE" };

/** An empty accumulator. */
export const create = () => ({ sum: 0, weight: 0 });

/** Takes a row into account: changes the accumulator, or answers another. */
export function accumulate(accumulator, value, weight) {
  if (value === null || weight === null) return;
  accumulator.sum += value * weight;
  accumulator.weight += weight;
}

/** Takes a row back. Leave it out if that cannot be done. */
export function retract(accumulator, value, weight) {
  if (value === null || weight === null) return;
  accumulator.sum -= value * weight;
  accumulator.weight -= weight;
}

/** Adds another accumulator; windows that grow together need it. */
export function merge(accumulator, other) {
  accumulator.sum += other.sum;
  accumulator.weight += other.weight;
}

/** The value of the group. */
export const result = ({ sum, weight }) => (weight === 0 ? null : sum / weight);
