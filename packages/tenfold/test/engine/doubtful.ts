/** Runs with a step that is called at most once, of which it is asked whether it happened. */
import type { Resolution, UnsureView } from "../../src/engine/unsure.ts";
import { stepOf, untyped, workflowOf, World, type OpenedEngine } from "./world.ts";

type Body = Parameters<typeof stepOf>[1];

export const orders = (body: Body, options: object = {}) => {
  const charge = stepOf("charge", body, { once: true, ...options });
  return workflowOf("orders", (order) => untyped.derive(charge(order), (charged: any) => ({ charged })), {
    key: (order: string) => order,
  });
};

export async function unsure(world: World, { tenfold }: OpenedEngine, filter = {}): Promise<UnsureView[]> {
  return world.happens(Array.fromAsync(tenfold.unsure(filter)));
}

/** A run whose first attempt may have happened. */
export async function doubtful(body: Body, options: object = {}, lanes = 1) {
  const world = new World(lanes);
  let calls = 0;
  const flow = orders((order, ctx) => {
    calls++;
    return ctx.attempt === 1 ? body(order, ctx) : `charged ${order} as ${ctx.key}`;
  }, options);
  const opened = await world.open([flow]);
  const run = await world.happens(opened.tenfold.start(flow, "A-1"));
  await world.until("it is asked", () => world.journal(run.id).includes("unsure charge"));
  const resolve = (resolution: Resolution, token: string = run.id) =>
    world.happens(opened.tenfold.resolve(token, resolution));
  return { world, opened, run, resolve, called: () => calls };
}
