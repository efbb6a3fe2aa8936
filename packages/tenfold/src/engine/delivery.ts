/**
 * From deliveries to runs: each delivery that is due is started as the workflow's own code would start it, or refused.
 * Invariant: its run has a key that names the event, or the workflow's own, so that it is one run however often, and by
 * whomever, the delivery is made.
 */
import type { Delivery, DeliveryName, Settled } from "../store/events.ts";
import type { StartAnswer } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { isClosed, isPassing } from "./passing.ts";
import type { Registry } from "./registry.ts";
import { refusalOf, type PreparedStart } from "./start.ts";
import type { Starts } from "./starts.ts";

export interface DeliveryParts {
  readonly registry: Registry;
  readonly starts: Starts;
}

/** What became of a delivery. */
export interface Delivered {
  readonly delivery: Delivery;
  readonly settled: Settled;
  /** Why it was refused. */
  readonly refusal: TenfoldError | null;
  /** A run was started now, and by this call. */
  readonly isNew: boolean;
}

/** The key of an event's run, in a workflow that has no keys of its own. */
function eventKey({ event, id }: DeliveryName): string {
  return `event/${event}/${id}`;
}

/** What is not answered for waits on: the store did not take its start now, or cannot be asked. */
export async function deliver(
  { registry, starts }: DeliveryParts,
  deliveries: readonly Delivery[],
): Promise<readonly Delivered[]> {
  const prepared = await Promise.all(deliveries.map((delivery) => prepare(registry, starts, delivery)));
  const refused = prepared.filter((each) => each instanceof Refusal).map((each) => each.told);
  const ready = prepared.filter((each): each is Ready => !(each instanceof Refusal));
  const byLane = Map.groupBy(ready, ({ start }) => start.lane);
  const started = await Promise.all([...byLane].map(([lane, group]) => startAll(starts, lane, group)));
  return [...refused, ...started.flat()];
}

interface Ready {
  readonly delivery: Delivery;
  readonly start: PreparedStart;
  /** The key is the event's: whatever run has it is this delivery's. */
  readonly isOwnKey: boolean;
}

class Refusal {
  readonly told: Delivered;

  constructor(delivery: Delivery, refusal: TenfoldError) {
    const error = JSON.stringify({ code: refusal.code, message: refusal.message });
    this.told = { delivery, settled: settledOf(delivery, { kind: "refused", error }), refusal, isNew: false };
  }
}

async function prepare(registry: Registry, starts: Starts, delivery: Delivery): Promise<Ready | Refusal> {
  const { workflow, tenant, input, startAt } = delivery;
  const definition = registry.definition(workflow);
  const isOwnKey = definition.key === undefined;
  const options = {
    tenant,
    ...(isOwnKey ? { key: eventKey(delivery) } : {}),
    ...(startAt === null ? {} : { at: startAt }),
  };
  try {
    const start = await starts.prepare(definition, JSON.parse(input), options);
    return { delivery, start, isOwnKey };
  } catch (thrown) {
    if (thrown instanceof TenfoldError && thrown.code !== "INVARIANT_BROKEN") return new Refusal(delivery, thrown);
    throw thrown;
  }
}

async function startAll(starts: Starts, lane: number, group: readonly Ready[]): Promise<readonly Delivered[]> {
  try {
    const sent = group.map(({ start }) => start.start);
    const answers = await starts.add(lane, sent);
    return group.flatMap((each, nth) => deliveredOf(each, answers[nth]!));
  } catch (thrown) {
    // Those of other lanes go on.
    if (isPassing(thrown) || isClosed(thrown)) return [];
    throw thrown;
  }
}

function deliveredOf({ delivery, start: { start }, isOwnKey }: Ready, answer: StartAnswer): readonly Delivered[] {
  if (answer.kind === "locked") return [];
  if (answer.kind === "conflict" && !isOwnKey) return [new Refusal(delivery, refusalOf(start, answer)).told];
  const isNew = answer.kind === "started";
  const run = isNew ? start.id : answer.run;
  return [{ delivery, settled: settledOf(delivery, { kind: "started", run }), refusal: null, isNew }];
}

function settledOf({ event, tenant, id, workflow }: Delivery, then: Settled["then"]): Settled {
  return { event, tenant, id, workflow, then };
}
