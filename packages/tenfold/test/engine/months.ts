/** Workflows that call each other, in all lanes, for programs of their own that are killed while they work. */
import { call, each, step, workflow } from "../../src/index.ts";

export interface Day {
  readonly orders: readonly number[];
  readonly shop: string;
}

const price = step("price", {
  async run(n: number) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return n * 2;
  },
});
const rent = step("rent", { run: (shop: string) => shop.length });
const sum = step("sum", {
  run: ({ prices, paid }: { prices: readonly number[]; paid: number }) => prices.reduce((a, b) => a + b, -paid),
});

const order = workflow<number, number>("order", { flow: (n) => price(n) });
/** Several days call the shop of one name: they share its run. */
const shop = workflow<string, number>("shop", { key: (name) => name, flow: (name) => rent(name) });
const day = workflow<Day, number>("day", {
  flow: (one) => sum({ prices: each(one.orders, (n) => call(order, n)), paid: call(shop, one.shop) }),
});
export const month = workflow<readonly Day[], readonly number[]>("month", {
  flow: (days) => each(days, (one) => call(day, one)),
});
