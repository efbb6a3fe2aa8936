/** Child: how long one run with an `each` takes from `start` to its result, and one with half the items, in turns. */
import { each, open, step, workflow } from "tenfold";
import { answer, asked, quantile } from "./child.ts";
import type { Lifted } from "tenfold";

const ROUNDS = 5;

const { store, items } = asked<{ store: string; items: number }>();
const price = step("price", { run: async (item: number) => item * 2 });
const spread = workflow("spread", { flow: (list: Lifted<number[]>) => each(list, (item) => price(item)) });
const tenfold = await open({ store, workflows: [spread] });
const wholeMs: number[] = [];
const halfMs: number[] = [];
for (let round = 0; round <= ROUNDS; round++) {
  for (const [count, taken] of [
    [items / 2, halfMs],
    [items, wholeMs],
  ] as const) {
    // prettier-ignore
    const list = Array.from({ length: count }, (_, index) => index);
    const startedAt = performance.now();
    await (await tenfold.start(spread, list)).result();
    // The first round warms up.
    if (round > 0) taken.push(performance.now() - startedAt);
  }
}
await tenfold.close();
answer({ wholeMs: quantile(wholeMs, 0.5), halfMs: quantile(halfMs, 0.5) });
