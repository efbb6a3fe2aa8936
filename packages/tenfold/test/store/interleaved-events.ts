/**
 * The events of a small store in which verbs meet, and the verbs that touch them, but for `take`: that passes over what
 * others have locked, so of two that meet it may find less than in either order. The suite of laws shows that it gives none twice.
 */
import type { DeliveryName, EmittedEvent, Settled, Subscribe } from "../../src/store/events.ts";
import type { Store } from "../../src/store/store.ts";
import { NOW } from "./sample.ts";

const WORKFLOWS = ["welcome", "hot"] as const;

const nameOf = (id: string) => ({ event: "lead", tenant: "", id });

function emitted(id: string, emission = `of ${id}`, ...workflows: readonly string[]): EmittedEvent {
  const to = (workflows.length > 0 ? workflows : WORKFLOWS).map((workflow) => ({
    workflow,
    input: `"${id}"`,
    startAt: null,
  }));
  return { ...nameOf(id), emission, to };
}

const delivery = (id: string, workflow: string): DeliveryName => ({ ...nameOf(id), workflow });
const started = (id: string, workflow: string, run: string): Settled => {
  return { ...delivery(id, workflow), then: { kind: "started", run } };
};
const refused = (id: string, workflow: string): Settled => ({
  ...delivery(id, workflow),
  then: { kind: "refused", error: "{}" },
});

function said(workflow: string, from: number | null, version: string): Subscribe {
  const before = from === null ? null : { version: "v1", at: from };
  return { from: before, to: { event: "lead", workflow, version, spec: "{}", former: [], at: NOW } };
}

const IDS = ["due", "mixed", "settled", "new", "newer"];

/** One event is due, one is refused by one workflow, one is settled; one workflow subscribes. */
export async function setUpEvents({ events }: Store, lane: number): Promise<void> {
  await events.subscribe(lane, [{ ...said("welcome", null, "v1"), to: { ...said("welcome", null, "v1").to, at: 5 } }]);
  await events.emit(lane, [emitted("due"), emitted("mixed"), emitted("settled")], NOW);
  const settled = [refused("mixed", "hot"), started("settled", "hot", "r1"), refused("settled", "welcome")];
  await events.settle(lane, settled);
}

export async function allOfEvents({ events }: Store, lane: number): Promise<unknown> {
  return {
    subscriptions: await events.subscriptions(lane, null),
    emitted: await events.emitted(lane, IDS.map(nameOf)),
    waiting: await events.deliveries(lane, "waiting", null, 99),
    refused: await events.deliveries(lane, "refused", null, 99),
  };
}

/** What a verb does in a lane. */
type Does = (store: Store, lane: number, now: number) => Promise<unknown>;

type Named = readonly [name: string, does: Does];

const subscribe = (name: string, ...batch: readonly Subscribe[]): Named => {
  return [`advance a subscription, ${name}`, ({ events }, lane) => events.subscribe(lane, batch)];
};
const emit = (name: string, ...batch: readonly EmittedEvent[]): Named => {
  return [`emit ${name}`, ({ events }, lane, now) => events.emit(lane, batch, now)];
};
const settle = (name: string, ...batch: readonly Settled[]): Named => {
  return [`settle ${name}`, ({ events }, lane) => events.settle(lane, batch)];
};
const again = [delivery("settled", "welcome"), delivery("mixed", "hot")];

/** Named by the kinds of others that are like them, so that there are not too many pairs of kinds. */
export const EVENT_VERBS: readonly Named[] = [
  subscribe("the first", said("hot", null, "v1")),
  subscribe("in the place of another", said("welcome", 5, "v2"), said("hot", null, "v2")),
  emit("new ones", emitted("new"), emitted("newer")),
  emit("new ones, in another order, to others", emitted("newer", "other", "hot"), emitted("new", "other", "welcome")),
  emit("what is there", emitted("due", "other"), emitted("settled")),
  settle("one", started("due", "welcome", "r2"), refused("due", "hot")),
  settle(
    "one, in another order",
    refused("due", "hot"),
    started("mixed", "welcome", "r3"),
    started("due", "welcome", "r4"),
  ),
  ["settle again what was refused", ({ events }, lane, now) => events.redeliver(lane, again, now)],
  ["settle, and forget what is settled", ({ events }, lane) => events.forgetEvents(lane, NOW + 1, 9)],
  ["reached of events", allOfEvents],
];
