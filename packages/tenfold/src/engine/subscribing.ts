/**
 * Subscriptions from code to the store, and back: workers say which events start their workflows, and whoever emits reads
 * that, so that it needs no code of theirs. What is said by several versions of the code, `core/subscribing.ts` decides.
 */
import { standsAfter, type Said } from "../core/subscribing.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import type { Template } from "../flow/graph.ts";
import { eventsAmong, type EventDefinition } from "../flow/trigger.ts";
import type { Subscribe, Subscription } from "../store/events.ts";
import type { Store } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { contentHash } from "../value/hash.ts";
import { canonicalJson, type Json } from "../value/json.ts";

const FORMAT = 1;
/** What is said of an event that starts a workflow no more. */
export const NO_TRIGGER: Said = Object.freeze({ version: "none", spec: null });

/** What a subscription says of an event's payload. */
export type EventSpec = Pick<EventDefinition, "where" | "input">;

/**
 * Says in a lane what these workflows make of which events. Answers whether there is anything to be said, now or by a
 * later release: a workflow without a trigger whose code had one says so, lest older code speak for it.
 */
export async function subscribe(
  store: Store,
  lane: number,
  definitions: Iterable<WorkflowDefinition>,
  release: string,
  now: number,
): Promise<boolean> {
  const own = new Map([...definitions].map((definition) => [definition.name, eventsAmong(definition.triggers)]));
  const standing = (await store.events.subscriptions(lane, null)).filter(({ workflow }) => own.has(workflow));
  const byName = new Map(standing.map((stands) => [nameOf(stands), stands]));
  const said = [...own].flatMap(([workflow, triggers]) => triggers.map((trigger) => ({ ...trigger, workflow })));
  const spoken = new Set(said.map(nameOf));
  const ended = standing.filter((stands) => !spoken.has(nameOf(stands)));
  const batch = [
    ...said.map((trigger) => changeOf(byName.get(nameOf(trigger)) ?? null, trigger, saidBy(trigger, release), now)),
    ...ended.map((stands) => changeOf(stands, stands, NO_TRIGGER, now)),
  ].filter((change) => change !== null);
  // Another worker that was faster said what is so now: this one hears of it the next time.
  if (batch.length > 0) await store.events.subscribe(lane, batch);
  return said.length > 0 || standing.length > 0;
}

interface Name {
  readonly event: string;
  readonly workflow: string;
}

function nameOf({ event, workflow }: Name): string {
  return `${event} ${workflow}`;
}

function changeOf(from: Subscription | null, { event, workflow }: Name, own: Said, now: number): Subscribe | null {
  const to = standsAfter(from, own, now);
  return to === null ? null : { from, to: { ...to, event, workflow } };
}

function saidBy({ where, input }: EventSpec, release: string): Said {
  const spec = canonicalJson({ format: FORMAT, where, input } as unknown as Json);
  return { version: contentHash(release === "" ? spec : `${release}\n${spec}`), spec };
}

/** What a subscription says; null: the workflow subscribes no more. Throws STORE_NEWER if a newer release wrote it; `notDone` is such as "nothing was emitted". */
export function readSpec({ event, workflow, spec }: Subscription, notDone: string): EventSpec | null {
  if (spec === null) return null;
  const read = JSON.parse(spec) as { format: number; where: Template | null; input: Template | null };
  if (read.format === FORMAT) return read;
  throw new TenfoldError(
    "STORE_NEWER",
    `What workflow "${workflow}" makes of the event "${event}" was written by a newer tenfold, and this one cannot tell whom the event is for; ${notDone}. Use the newer tenfold here too.`,
    { facts: { workflow, event, format: read.format } },
  );
}
