/**
 * The workflow that the crash test runs: parallel steps, joins, an each, a match, a derive, retries and a timeout.
 * Invariant: a result names the call that made it, so that the journal tells whose result it kept, and every body says
 * which calls' results it was given.
 */
import {
  derive,
  each,
  match,
  step,
  workflow,
  type Lifted,
  type RetryOptions,
  type StepContext,
  type Workflow,
} from "../../packages/tenfold/src/flow/index.ts";

export interface Order {
  readonly n: number;
  readonly tier: "gold" | "silver" | "none";
  readonly items: readonly number[];
}

/** The result of a body. */
export type Made = { readonly value: number; readonly call: string };

export interface Shipment {
  readonly parcels: readonly Made[];
  readonly total: number;
  readonly shipped: Made;
  readonly bill: Made;
  readonly note: Made;
}

/** What goes wrong with an attempt. */
export type Flaw = "none" | "throws" | "hangs";

/** Calls a body's effect, and answers `value` with the name of the call. */
export type Body = (ctx: StepContext, uses: readonly Made[], value: number, flaw?: Flaw) => Promise<Made>;

const RETRY: RetryOptions = { attempts: 50, backoff: "constant", first: "60ms", jitter: "none" };

/** The n-th order: its tier, and two to five items. */
export function orderOf(n: number): Order {
  const tier = (["gold", "silver", "none"] as const)[n % 3]!;
  return { n, tier, items: Array.from({ length: 2 + (n % 4) }, (_, index) => ((n * 31 + index * 17) % 50) + 1) };
}

export function keyOfOrder(n: number): string {
  return `order-${n}`;
}

export function orderWorkflow(body: Body): Workflow<Order, Shipment> {
  const price = step("price", { run: ({ n }: Order, ctx) => body(ctx, [], 3 * n + 1) });
  const stock = step("stock", { run: ({ n }: Order, ctx) => body(ctx, [], (n % 97) + 5) });
  const screen = step("screen", {
    retry: RETRY,
    run: ({ n }: Order, ctx) => body(ctx, [], (n * n) % 101, ctx.attempt <= failuresOf(n) ? "throws" : "none"),
  });
  const offer = step("offer", {
    run: ({ price, stock, screen }: { price: Made; stock: Made; screen: Made }, ctx) =>
      body(ctx, [price, stock, screen], price.value + stock.value + screen.value),
  });
  const note = step("note", { run: (price: Made, ctx) => body(ctx, [price], price.value + 7) });
  const pack = step("pack", {
    retry: RETRY,
    run: ({ item, offer }: { item: number; offer: Made }, ctx) => {
      const isFlawed = (item + offer.value) % 8 === 0 && ctx.attempt === 1;
      return body(ctx, [offer], item * 7 + offer.value, isFlawed ? "throws" : "none");
    },
  });
  const courier = step("courier", { run: (total: number, ctx) => body(ctx, [], total + 1000) });
  const post = step("post", { run: (total: number, ctx) => body(ctx, [], total * 2) });
  const label = step("label", { run: (posted: Made, ctx) => body(ctx, [posted], posted.value + 3) });
  const shelve = step("shelve", { run: (total: number, ctx) => body(ctx, [], -total) });
  const bill = step("bill", {
    retry: RETRY,
    timeout: "1s",
    run: ({ n, total, shipped }: { n: number; total: number; shipped: Made }, ctx) =>
      body(ctx, [shipped], total - shipped.value, n % 10 === 0 && ctx.attempt === 1 ? "hangs" : "none"),
  });
  return workflow("crash-order", {
    key: ({ n }: Order) => keyOfOrder(n),
    flow(order: Lifted<Order>) {
      const priced = price(order);
      const offered = offer({ price: priced, stock: stock(order), screen: screen(order) });
      const parcels = each(order.items, (item) => pack({ item, offer: offered }), { concurrency: 3 });
      const total = derive.as("total")(parcels, offered, (packed, { value }) => {
        return packed.reduce((sum, parcel) => sum + parcel.value, value);
      });
      const shipped = match(order.tier, {
        gold: () => courier(total),
        silver: () => label(post(total)),
        none: () => shelve(total),
      });
      return { parcels, total, shipped, bill: bill({ n: order.n, total, shipped }), note: note(priced) };
    },
  }) as Workflow<Order, Shipment>;
}

/** How often the screening of the n-th order fails before it succeeds. */
function failuresOf(n: number): number {
  if (n % 16 === 0) return 2;
  return n % 4 === 0 ? 1 : 0;
}
