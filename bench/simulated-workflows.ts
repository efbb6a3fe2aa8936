/** What the bench simulates: an order with everything that a step may have, and runs that do nothing but wait. */
import { each, limit, sleep, step, when, workflow } from "tenfold";
import type { Model } from "../packages/tenfold/src/capacity/model/model.ts";

interface Ordered {
  readonly id: string;
  readonly isGift: boolean;
  readonly lines: readonly string[];
}

export const CHARGES_AT_ONCE = 200;

const echo = async <T>(given: T): Promise<T> => given;
const crm = limit("crm", { concurrency: 400, rate: "1000/s burst 100" });
const validate = step("validate", { run: async (order: Ordered) => order });
const fraud = step("fraud", { timeout: "5s", run: async (order: Ordered) => order.id });
const stock = step("stock", { run: async (order: Ordered) => order.lines });
const charge = step("charge", {
  retry: { attempts: 4, first: "200ms", budget: "10%" },
  timeout: "10s",
  queue: {
    concurrency: CHARGES_AT_ONCE,
    rate: "500/s burst 50",
    per: { key: ({ id }: { id: string }) => id, concurrency: 8 },
  },
  run: async (order: { readonly id: string; readonly checked: string }) => order.id,
});
const label = step("label", { queue: { limit: crm }, run: async (line: string) => line });
const gift = step("gift", { queue: { limit: crm }, run: async (id: string) => id });
const email = step("email", {
  queue: { rate: "1000/s burst 100" },
  run: async (told: { readonly id: string; readonly labels: readonly string[] }) => echo(told.id),
});

/** Seven steps, nine bodies on average. */
export const order = workflow<Ordered, unknown>("order", {
  flow(input) {
    const valid = validate(input);
    const checked = fraud(valid);
    const lines = stock(valid);
    const id = charge({ id: valid.id, checked });
    const labels = each(lines, (line) => label(line));
    const wrapped = when(valid.isGift, () => gift(id));
    return { sent: email({ id, labels }), wrapped };
  },
});

/** At so many orders a second. */
export const orderModel = (perSecond: number): Model => ({
  workflows: {
    order: {
      arrivals: { kind: "poisson", perSecond },
      items: Object.fromEntries(
        order.graph.nodes
          .filter(({ kind }) => kind === "each")
          .map(({ id }) => [id, { kind: "recorded", values: [1, 2, 2, 3] }]),
      ),
      arms: Object.fromEntries(
        order.graph.nodes.filter(({ kind }) => kind === "match").map(({ id }) => [id, { then: 0.3 }]),
      ),
      keys: { count: 500, skew: 0.5 },
    },
  },
  steps: {
    validate: { takes: { kind: "fixed", value: 2 }, computes: { kind: "fixed", value: 0.05 } },
    fraud: { takes: { kind: "lognormal", p50: 120, p95: 500 }, fails: 0.005 },
    stock: { takes: { kind: "lognormal", p50: 40, p95: 120 } },
    charge: { takes: { kind: "lognormal", p50: 280, p95: 600 }, fails: 0.01 },
    label: { takes: { kind: "lognormal", p50: 90, p95: 300 } },
    gift: { takes: { kind: "exponential", mean: 100 } },
    email: { takes: { kind: "lognormal", p50: 120, p95: 400 }, computes: { kind: "fixed", value: 0.1 } },
  },
  workers: { count: 2, slots: 1000 },
  store: { commitMs: 1.2, lineMs: 0.004, commitsAtOnce: 1 },
});

/** A run that is in flight for a day. */
export const waits = workflow<null, unknown>("waits", {
  flow: () => sleep("1 day"),
});

export const waitsModel: Model = {
  workflows: { waits: { arrivals: { kind: "even", perSecond: 100_000 } } },
  steps: {},
  workers: { count: 1, slots: 1000 },
  store: null,
};
