/** Ends what a workflow that is gone from the code subscribes to: nothing of an event waits for it any more. */
import type { Settled, Subscribe } from "../store/events.ts";
import type { Store } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { describe } from "../value/describe.ts";
import type { Engine } from "./engine.ts";
import { pagesOf } from "./event-views.ts";
import { NO_TRIGGER } from "./subscribing.ts";

export interface Unsubscribed {
  /** The events that it was subscribed to. */
  readonly events: readonly string[];
  /** Deliveries that waited for it, and are refused now. */
  readonly refused: number;
}

/** A worker that has its code with a trigger subscribes it again, a few minutes later. */
export async function unsubscribe({ store, ports }: Engine, workflow: string): Promise<Unsubscribed> {
  if (typeof workflow !== "string") {
    const message = `unsubscribe was given ${describe(workflow)} where a workflow's name belongs; nothing was done. Give a text.`;
    throw new TenfoldError("WORKFLOW_UNKNOWN", message);
  }
  const events = new Set<string>();
  let refused = 0;
  for (let lane = 0; lane < store.lanes; lane++) {
    const standing = (await store.events.subscriptions(lane, null)).filter((one) => one.workflow === workflow);
    const ended = standing.filter(({ spec }) => spec !== null);
    const at = ports.clock.now();
    const batch = ended.map((from): Subscribe => {
      return { from, to: { ...from, ...NO_TRIGGER, former: [...from.former, from.version], at } };
    });
    if (batch.length > 0) await store.events.subscribe(lane, batch);
    for (const { event } of ended) events.add(event);
    refused += await refuseWaiting(store, lane, workflow);
  }
  return { events: [...events].sort(), refused };
}

async function refuseWaiting(store: Store, lane: number, workflow: string): Promise<number> {
  let refused = 0;
  const message = `The workflow "${workflow}" was unsubscribed from events while this one waited for it; no run was started. Open its code again, and deliver it again.`;
  const then: Settled["then"] = { kind: "refused", error: JSON.stringify({ code: "WORKFLOW_UNKNOWN", message }) };
  for await (const page of pagesOf(store, lane, "waiting")) {
    const meant = page.filter((delivery) => delivery.workflow === workflow);
    if (meant.length === 0) continue;
    await store.events.settle(
      lane,
      meant.map(({ event, tenant, id }) => ({ event, tenant, id, workflow, then })),
    );
    refused += meant.length;
  }
  return refused;
}
