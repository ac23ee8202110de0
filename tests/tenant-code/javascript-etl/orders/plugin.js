// Orders of at least 50, twice as dear, with the name in capitals.
export const schema = { id: "BIGINT NOT NULL", usr: "STRING", amount: "DOUBLE" };

export function process(order) {
  if (order.amount < 0) throw new RangeError(`order ${order.id} has the negative amount ${order.amount}`);
  if (order.amount === null || order.amount < 50) return null;
  return { id: order.id, usr: order.usr.toUpperCase(), amount: order.amount * 2 };
}
