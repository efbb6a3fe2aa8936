/** A store made of another one verb by verb, the verbs of its post, its schedules, its events, its files, its queues and its transactions among them. */
import type { Events } from "../store/events.ts";
import type { Files } from "../store/files.ts";
import type { Queues } from "../store/queues.ts";
import type { Schedules } from "../store/schedules.ts";
import type { Post, Store } from "../store/store.ts";

const VERBS = [
  "putGraphs",
  "graph",
  "join",
  "renew",
  "takeOver",
  "start",
  "claim",
  "mail",
  "owned",
  "load",
  "look",
  "commit",
  "send",
  "prune",
  "forgetKeys",
  "read",
  "journal",
  "list",
  "tallies",
] as const satisfies readonly (keyof Store)[];

export const POST_VERBS = [
  "outgoing",
  "deliver",
  "remove",
  "received",
  "holds",
  "release",
] as const satisfies readonly (keyof Post)[];

const SCHEDULE_VERBS = ["reached", "advance"] as const satisfies readonly (keyof Schedules)[];

/** By names of their own: the post removes parcels, and the store reads runs. */
const FILE_VERBS = {
  write: "writeParts",
  remove: "removeFiles",
  list: "listFiles",
  read: "readParts",
  sweep: "sweepFiles",
} as const satisfies Readonly<Record<keyof Files, string>>;

const EVENT_VERBS = [
  "subscriptions",
  "subscribe",
  "emit",
  "take",
  "settle",
  "redeliver",
  "emitted",
  "deliveries",
  "forgetEvents",
] as const satisfies readonly (keyof Events)[];

/** By names of their own: the post releases parcels, and the store lists runs. Without `keyOf`, which asks nobody. */
const QUEUE_VERBS = {
  own: "ownQueues",
  release: "releaseQueues",
  keepBuckets: "keepBuckets",
  arrivals: "arrivals",
  firsts: "firsts",
  behind: "behind",
  call: "callRuns",
  setSettings: "setQueueSettings",
  setStats: "setQueueStats",
  list: "listQueues",
  rows: "readQueues",
  ahead: "placesAhead",
  count: "countPlaces",
  unbegun: "countUnbegun",
} as const satisfies Readonly<Record<Exclude<keyof Queues, "keyOf">, string>>;

export type Verb = (...args: unknown[]) => Promise<unknown>;

/** `made` answers what a verb does; `of` answers the same verb of a store that has it already. */
export function storeByVerb(store: Store, made: (verb: string, of: (store: Store) => Verb) => Verb): Store {
  const verbs = VERBS.map((verb) => [verb, made(verb, (whose) => (whose[verb] as Verb).bind(whose))] as const);
  const post = POST_VERBS.map(
    (verb) => [verb, made(verb, ({ post: whose }) => (whose[verb] as Verb).bind(whose))] as const,
  );
  const schedules = SCHEDULE_VERBS.map(
    (verb) => [verb, made(verb, ({ schedules: whose }) => (whose[verb] as Verb).bind(whose))] as const,
  );
  const files = (Object.keys(FILE_VERBS) as (keyof Files)[]).map(
    (verb) => [verb, made(FILE_VERBS[verb], ({ files: whose }) => (whose[verb] as Verb).bind(whose))] as const,
  );
  const events = EVENT_VERBS.map(
    (verb) => [verb, made(verb, ({ events: whose }) => (whose[verb] as Verb).bind(whose))] as const,
  );
  const queues = (Object.keys(QUEUE_VERBS) as (keyof typeof QUEUE_VERBS)[]).map(
    (verb) => [verb, made(QUEUE_VERBS[verb], ({ queues: whose }) => (whose[verb] as Verb).bind(whose))] as const,
  );
  const { kind } = store.transactions;
  const transact = made("transact", ({ transactions: whose }) => whose.transact.bind(whose) as Verb);
  return {
    ...{ name: store.name, lanes: store.lanes, hears: true, pipelinesCommits: true },
    ...Object.fromEntries(verbs),
    post: Object.fromEntries(post),
    schedules: Object.fromEntries(schedules),
    files: Object.fromEntries(files),
    events: Object.fromEntries(events),
    queues: { keyOf: (key: string) => store.queues.keyOf(key), ...Object.fromEntries(queues) },
    transactions: { kind, transact },
    watch: store.watch.bind(store),
    close: store.close.bind(store),
  } as unknown as Store;
}
