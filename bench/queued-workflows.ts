/** What the bench runs with queues: steps that do nothing, so that what is measured is the line before them. */
import { step, workflow, type Tenfold, type Workflow } from "tenfold";
import type { Order } from "./workflows.ts";

/** Limits that never bind. */
const free = step("free", {
  queue: { concurrency: 100_000, rate: "1000000/s burst 100000" },
  run: async (order: Order) => order,
});

/** As `five-in-a-row`, and before each step a line. */
export const fiveQueued = workflow<Order, Order>("five-queued", {
  flow: (order) => free.as("e")(free.as("d")(free.as("c")(free.as("b")(free.as("a")(order))))),
});

export interface Keyed {
  readonly key: string;
}

/** The key whose bodies do not end. */
export const BLOCKED = "blocked";

const keyed = step("keyed", {
  queue: { per: { key: ({ key }: Keyed) => key, concurrency: 16 } },
  run: async ({ key }: Keyed) => (key === BLOCKED ? new Promise<string>(() => {}) : key),
});

/** One step, in a line with keys. */
export const byKey = workflow<Keyed, string>("by-key", { flow: (input) => keyed(input) });

const ordered = step("ordered", {
  queue: { per: { key: ({ key }: Keyed) => key, order: "strict" } },
  run: async ({ key }: Keyed) => key,
});

/** One step, in a line whose keys go strictly in order. */
export const inOrder = workflow<Keyed, string>("in-order", { flow: (input) => ordered(input) });

export async function startKeyed(
  tenfold: Tenfold,
  count: number,
  keyOf: (nth: number) => string,
  workflow: Workflow<Keyed, string> = byKey,
): Promise<void> {
  const inputs = function* () {
    for (let nth = 0; nth < count; nth++) yield { key: keyOf(nth) };
  };
  let started = 0;
  for await (const { kind } of tenfold.startMany(workflow, inputs())) if (kind === "started") started++;
  if (started !== count) throw new Error(`${started} of ${count} were started`);
}

/** Starts a second of the spike's queue. */
export const SPIKE_RATE = 2000;

const paced = step("paced", {
  queue: { rate: `${SPIKE_RATE}/s burst 100` },
  run: async (order: Order) => order,
});

/** One step, at a rate. */
export const spike = workflow<Order, Order>("spike", { flow: (order) => paced(order) });

export const QUEUED: readonly Workflow<Order, unknown>[] = [fiveQueued, spike];
