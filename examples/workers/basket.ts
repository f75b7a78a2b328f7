// basket: what somebody wants to buy, in TypeScript. The exports are the methods.
//
//   hauki clone examples/workers/basket.ts --args '["eur"]' --out t.json
//   hauki proxy call t.json add '{"id":"tea","cents":450}' 2
//   hauki proxy call t.json total

type Item = { id: string; cents: number };
type Row = Item & { count: number };

class EmptyBasket extends Error {
  override name = "EmptyBasket";
}

class Basket {
  readonly #rows = new Map<string, Row>();

  add({ id, cents }: Item, count: number): Row {
    const row = this.#rows.get(id) ?? { id, cents, count: 0 };
    const changed = { ...row, count: row.count + count };
    this.#rows.set(id, changed);
    return changed;
  }

  remove(id: string): boolean {
    return this.#rows.delete(id);
  }

  get rows(): Row[] {
    return [...this.#rows.values()].sort((a, b) => a.id < b.id ? -1 : 1);
  }

  get cents(): number {
    return this.rows.reduce((sum, { cents, count }) => sum + cents * count, 0);
  }
}

const basket = new Basket();
let currency = "EUR";

export function create(name = "EUR") {
  currency = name.toUpperCase();
}

export const add = (item: Item, count = 1): Row => {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`count is ${count}, and must be a whole number`);
  return basket.add(item, count);
};

export const remove = (id: string): boolean => basket.remove(id);

export const list = (): Row[] => basket.rows;

export function total(): string {
  if (basket.rows.length === 0) throw new EmptyBasket("there is nothing in the basket");
  const [whole, rest] = [Math.floor(basket.cents / 100), basket.cents % 100];
  return `${whole}.${String(rest).padStart(2, "0")} ${currency}`;
}

// Asks another worker for its prices, one after the other: `shop` is a ticket, or the object of a script.
export async function reprice(shop: any): Promise<string> {
  for (const { id, count } of basket.rows) {
    const cents = await later(shop, "price", id);
    basket.remove(id);
    basket.add({ id, cents }, count);
  }
  return total();
}

declare function later(object: unknown, method: string, ...rest: unknown[]): Promise<number>;
