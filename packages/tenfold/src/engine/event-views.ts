/** Events as a user sees them: who subscribes to what, what became of an event, and what waits or was refused. */
import { decodedDeliveryRecord } from "../store/codec/encoded-events.ts";
import type { DeliveryName, DeliveryRecord, DeliveryState } from "../store/events.ts";
import { checkEventName } from "../flow/on.ts";
import type { Store } from "../store/store.ts";
import { describe } from "../value/describe.ts";
import { TenfoldError } from "../value/error.ts";
import { isColumnText } from "../value/plain-name.ts";
import { checkOptions, isFlag, isText, optional, TENANT, type OptionForm } from "./caller-checks.ts";
import { laneOfEvent } from "./emit.ts";
import type { Engine } from "./engine.ts";
import { ofReached } from "./listing.ts";
import { readSpec, type EventSpec } from "./subscribing.ts";

export interface SubscriptionView extends EventSpec {
  readonly event: string;
  readonly workflow: string;
  /** When a worker that has it last said so (ms since 1970). */
  readonly at: number;
}

/** What became of an event for one workflow. */
export interface DeliveryView {
  readonly event: string;
  readonly id: string;
  readonly tenant: string;
  readonly workflow: string;
  readonly state: "waiting" | "started" | "refused";
  /** When the event was emitted (ms since 1970). */
  readonly emittedAt: number;
  /** The run that it started; for a workflow with keys of its own perhaps one that was there. */
  readonly run: string | null;
  /** Why it was refused. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Which deliveries are meant. */
export interface DeliveryFilter {
  readonly event?: string;
  readonly workflow?: string;
}

export interface Redelivered {
  /** Deliveries that were refused, of those that the filter finds. */
  readonly found: number;
  /** Those that are due again; none of them in a dry run. */
  readonly redelivered: number;
}

const PAGE = 500;
const NOTHING_DONE = "nothing was done";
const FILTER: Readonly<Record<keyof DeliveryFilter, OptionForm>> = {
  event: optional(isText, "Give an event's name."),
  workflow: optional(isText, "Give a workflow's name."),
};

/** Each once, by event and workflow, though every lane has it; from the lanes that are reached. */
export async function viewSubscriptions(store: Store): Promise<readonly SubscriptionView[]> {
  const found = new Map<string, SubscriptionView>();
  for (let lane = 0; lane < store.lanes; lane++) {
    for (const one of await ofReached(store, lane, () => store.events.subscriptions(lane, null))) {
      const { event, workflow, at } = one;
      const spec = readSpec(one, NOTHING_DONE);
      const known = found.get(`${event} ${workflow}`);
      if (spec === null || (known !== undefined && known.at >= at)) continue;
      found.set(`${event} ${workflow}`, { event, workflow, where: spec.where, input: spec.input, at });
    }
  }
  return [...found.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, view]) => view);
}

/** The deliveries of an event, by workflow; undefined: it is not known, because nobody subscribed or it was forgotten. */
export async function viewEvent(
  { store }: Engine,
  event: string,
  id: string,
  options: { readonly tenant?: string },
): Promise<readonly DeliveryView[] | undefined> {
  checkEventName(event, NOTHING_DONE);
  if (!isColumnText(id)) {
    const message = `\`event\` was given ${describe(id)} as the id of an event; ${NOTHING_DONE}. Give the id that \`emit\` was given, or answered.`;
    throw new TenfoldError("EVENT_INVALID", message);
  }
  checkOptions("`event`", options, { tenant: TENANT }, NOTHING_DONE);
  const name = { event, tenant: options.tenant ?? "", id };
  const [found] = await store.events.emitted(laneOfEvent(name, store.lanes), [name]);
  return found?.map(viewOf);
}

/** Deliveries that wait, or that were refused, lane by lane. */
export async function* undelivered(
  { store }: Engine,
  state: DeliveryState,
  filter: DeliveryFilter,
): AsyncGenerator<DeliveryView> {
  checkOptions("The filter of deliveries", filter, FILTER, NOTHING_DONE);
  for (let lane = 0; lane < store.lanes; lane++) {
    for await (const page of pagesOf(store, lane, state)) {
      yield* page.filter((record) => isMeant(record, filter)).map(viewOf);
    }
  }
}

/** Has deliveries that were refused be made again. */
export async function redeliver(
  { store, ports }: Engine,
  filter: DeliveryFilter,
  options: { readonly dryRun?: boolean },
): Promise<Redelivered> {
  checkOptions("The filter of deliveries", filter, FILTER, NOTHING_DONE);
  checkOptions("`redeliver`", options, { dryRun: optional(isFlag, "Give true or false.") }, NOTHING_DONE);
  let [found, redelivered] = [0, 0];
  for (let lane = 0; lane < store.lanes; lane++) {
    for await (const page of pagesOf(store, lane, "refused")) {
      const meant = page.filter((record) => isMeant(record, filter));
      found += meant.length;
      if (options.dryRun === true || meant.length === 0) continue;
      const answers = await store.events.redeliver(lane, meant, ports.clock.now());
      redelivered += answers.filter((isDue) => isDue).length;
    }
  }
  return { found, redelivered };
}

/** Deliveries of a lane in a state, page by page. */
export async function* pagesOf(
  store: Store,
  lane: number,
  state: DeliveryState,
): AsyncGenerator<readonly DeliveryRecord[]> {
  for (let after: DeliveryName | null = null; ;) {
    const from: DeliveryName | null = after;
    const page: readonly DeliveryRecord[] = await ofReached(store, lane, () =>
      store.events.deliveries(lane, state, from, PAGE),
    );
    yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)!;
  }
}

function isMeant(record: DeliveryRecord, { event, workflow }: DeliveryFilter): boolean {
  return (event === undefined || record.event === event) && (workflow === undefined || record.workflow === workflow);
}

function viewOf(kept: DeliveryRecord): DeliveryView {
  const { event, id, tenant, workflow, emittedAt, dueAt, run, error, unread } = decodedDeliveryRecord(null, kept);
  const names = { event, id, tenant, workflow, emittedAt };
  if (run !== null) return { ...names, state: "started", run, error: null };
  if (dueAt !== null) return { ...names, state: "waiting", run, error: null };
  if (unread !== undefined)
    return { ...names, state: "refused", run, error: { code: unread.code, message: unread.message } };
  return { ...names, state: "refused", run, error: JSON.parse(error!) as DeliveryView["error"] };
}
