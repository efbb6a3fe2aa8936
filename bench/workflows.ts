/** What the bench runs: workflows whose steps do nothing, so that what is measured is the engine. */
import { after, derive, each, sleepUntil, step, workflow, type Workflow } from "tenfold";

export interface Order {
  readonly email: string;
  readonly company: string;
  readonly size: number;
}

const pass = step("pass", { run: async (order: Order) => order });
const join = step("join", { run: async (orders: readonly Order[]) => orders.length });
const price = step("price", { run: async (item: number) => item * 2 });

/** Five steps, each on the last one's output. */
export const fiveInARow = workflow<Order, Order>("five-in-a-row", {
  flow: (order) => pass.as("e")(pass.as("d")(pass.as("c")(pass.as("b")(pass.as("a")(order))))),
});

/** Five steps side by side, and one that waits for all of them. */
export const fiveAndAJoin = workflow<Order, number>("five-and-a-join", {
  flow: (order) => join(["a", "b", "c", "d", "e"].map((name) => pass.as(name)(order))),
});

/** One step for each of a thousand items. */
export const eachOfAThousand = workflow<Order, number[]>("each-of-a-thousand", {
  flow(order) {
    const items = derive.as("items")(order, () => Array.from({ length: 1000 }, (_, index) => index));
    return each(items, (item) => price(item));
  },
});

export const oneStep = workflow<Order, Order>("one-step", { flow: (order) => pass(order) });

/** One step, at a moment. */
export const sleeper = workflow<{ readonly at: number }, number>("sleeper", {
  flow: (input) => after(sleepUntil(input.at), () => price(input.at)),
});

export const ALL: readonly Workflow<Order, unknown>[] = [fiveInARow, fiveAndAJoin, eachOfAThousand, oneStep];

/** `count` inputs, each as long as a small business record. */
export function* orders(count: number): Generator<Order> {
  for (let index = 0; index < count; index++) {
    yield { email: `kim-${index}@example.com`, company: "Example GmbH", size: index % 500 };
  }
}
