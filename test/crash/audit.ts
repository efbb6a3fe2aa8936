/**
 * Compares what the bodies did outside of the store with what the store kept, promise by promise.
 * Invariant: it knows the log, the journals and the independent answer; nothing of what the engine thinks.
 */
import { canonicalJson, type Json } from "../../packages/tenfold/src/value/json.ts";
import {
  callIn,
  callsOf,
  fencesOf,
  isDeadAt,
  livesOf,
  type Call,
  type Evidence,
  type Life,
  type RunSeen,
} from "./evidence.ts";
import { expectedOf, type Expected } from "./expected.ts";

/** A promise that was not kept, and what shows it. */
export interface Breach {
  readonly promise: string;
  readonly facts: string;
}

/** Every breach of a promise; none: all were kept. */
export function audit(evidence: Evidence): readonly Breach[] {
  const calls = callsOf(evidence);
  const lives = livesOf(evidence);
  const fences = fencesOf(evidence);
  const isGone: IsGone = (call, at) => isDeadAt(lives.get(call.life), at) || fences(call.life, call.at, at);
  const runs = new Map(evidence.runs.map((run) => [run.id, run]));
  // Who was frozen past its lease may call a body before it knows.
  const inTime = [...calls.values()].filter((call) => !fences(call.life, call.at, call.at));
  const inTimeByNode = Map.groupBy(inTime, ({ run, node }) => `${run} ${node}`);
  const byNode = Map.groupBy(calls.values(), ({ run, node }) => `${run} ${node}`);
  return [
    ...(evidence.stopped === null ? [] : [breach("everything comes to its end", { stopped: evidence.stopped })]),
    ...lostRuns(evidence, runs),
    ...doubleKeys(evidence),
    ...[...byNode.values()].flatMap((ofNode) => [...changedContexts(ofNode)]),
    ...[...inTimeByNode].flatMap(([node, ofNode]) => [
      ...needlessCalls(ofNode, byNode.get(node)!, isGone, runs),
      ...repeatedResults(ofNode),
    ]),
    ...sharedKeys(calls),
    ...[...calls.values()].flatMap((call) => [...hastyCalls(call, calls, isGone), ...lostResults(call)]),
    ...evidence.runs.flatMap((run) => wrongJournal(run, calls)),
    ...evidence.runs.flatMap((run) => wrongEnd(run, byNode)),
    ...(evidence.isFleet ? unfencedWrites(evidence) : wrongTakeovers(evidence, lives)),
    ...wrongAnswers(evidence),
    ...brokenFile(evidence),
  ];
}

/** Whether the life that made this call was dead, or fenced, at a place. */
type IsGone = (call: Call, at: number) => boolean;

/** Each broken promise, how often it was, and the first two breaches. */
export function shortened(breaches: readonly Breach[]): readonly object[] {
  return [...Map.groupBy(breaches, ({ promise }) => promise)].map(([promise, found]) => {
    return { promise, breaches: found.length, first: found.slice(0, 2).map(({ facts }) => facts) };
  });
}

function breach(promise: string, facts: Readonly<Record<string, unknown>>): Breach {
  return { promise, facts: JSON.stringify(facts) };
}

function lostRuns({ marks }: Evidence, runs: ReadonlyMap<string, RunSeen>): Breach[] {
  return marks.flatMap((mark) => {
    if (mark.kind !== "accepted" || runs.get(mark.run)?.key === `order-${mark.order}`) return [];
    return [breach("an accepted run is never lost", { order: mark.order, run: mark.run })];
  });
}

/** Each order that was ever asked for is one run, and everybody was told of the same one. */
function doubleKeys({ marks, runs }: Evidence): Breach[] {
  const asked = new Set(marks.flatMap((mark) => (mark.kind === "asked" ? [`order-${mark.order}`] : [])));
  const found = Map.groupBy(runs, ({ key }) => key ?? "");
  const keys = new Set([...asked, ...found.keys()]);
  return [...keys].flatMap((key) => {
    const ids = (found.get(key) ?? []).map(({ id }) => id);
    return ids.length === 1 && asked.has(key) ? [] : [breach("one key is one run", { key, ids })];
  });
}

/** `calls` are those of one node, in order. */
function changedContexts(calls: readonly Call[]): Breach[] {
  const [first] = calls;
  return calls
    .filter(({ key, now }) => key !== first!.key || now !== first!.now)
    .map((call) => breach("each attempt has the same key and the same now", { first, call }));
}

function sharedKeys(calls: ReadonlyMap<string, Call>): Breach[] {
  const nodes = new Map<string, string>();
  return [...calls.values()].flatMap(({ run, node, key }) => {
    const name = `${run} ${node}`;
    const other = nodes.get(key) ?? name;
    nodes.set(key, name);
    return other === name ? [] : [breach("two nodes never share a key", { key, name, other })];
  });
}

/** `all` are those of the node, `calls` those of them that were made in time. */
function needlessCalls(
  calls: readonly Call[],
  all: readonly Call[],
  isGone: IsGone,
  runs: ReadonlyMap<string, RunSeen>,
): Breach[] {
  return calls.slice(1).flatMap((call, index) => {
    const before = calls[index]!;
    const failed = runs.get(call.run)?.journal.find((entry) => {
      return entry.kind === "failed" && entry.node === call.node && entry.attempt === call.attempt - 1;
    });
    const isTimeout = failed?.kind === "failed" && failed.error.code === "STEP_TIMED_OUT";
    const hasThrown = all.some((each) => each.attempt === call.attempt - 1 && each.at < call.at && each.hasThrown);
    const isNext = before.attempt < call.attempt && failed !== undefined && (hasThrown || isTimeout);
    const isSame = before.attempt === call.attempt && isGone(before, call.at);
    if (isNext || isSame) return [];
    return [
      breach("a body runs again only if its worker died or was fenced, it timed out, or it threw", { before, call }),
    ];
  });
}

function repeatedResults(calls: readonly Call[]): Breach[] {
  const recorded = calls.findIndex(({ isRecorded }) => isRecorded);
  if (recorded === -1 || recorded === calls.length - 1) return [];
  return [breach("a recorded result is never computed again", { recorded: calls[recorded], again: calls.at(-1) })];
}

/** What a body is given was made by a call whose result is in the journal, and was there before the body was called. */
function hastyCalls(call: Call, calls: ReadonlyMap<string, Call>, isGone: IsGone): Breach[] {
  return call.uses.flatMap((name) => {
    const used = calls.get(name);
    const isWritten = used !== undefined && ((used.answeredAt ?? Infinity) < call.at || isGone(used, call.at));
    if (used !== undefined && used.run === call.run && used.isRecorded && isWritten) return [];
    return [breach("a successor starts only after its input is durable", { call, used })];
  });
}

function lostResults(call: Call): Breach[] {
  const isLost = call.answeredAt !== null && !call.isRecorded;
  return isLost ? [breach("an acknowledged result is never lost", { call })] : [];
}

function wrongJournal({ id: run, journal }: RunSeen, calls: ReadonlyMap<string, Call>): Breach[] {
  const found: Breach[] = [];
  const done = new Set<string>();
  const chosen = new Set<string>();
  for (const entry of journal) {
    if (entry.kind === "chose") {
      if (chosen.has(entry.node)) found.push(breach("a match takes one arm, once", { run, node: entry.node }));
      chosen.add(entry.node);
    }
    if (entry.kind !== "done") continue;
    const { node, attempt } = entry;
    if (done.has(node)) found.push(breach("a node has one result", { run, node }));
    done.add(node);
    if (attempt === 0) continue;
    const call = calls.get(callIn(entry.output) ?? "");
    const isMade = call !== undefined && call.effectAt !== null && !call.hasThrown && call.settledAt !== null;
    if (isMade && call.run === run && call.node === node && call.attempt === attempt) continue;
    found.push(breach("a result comes from the body that was called for it", { run, node, attempt, call }));
  }
  return found;
}

function wrongEnd(run: RunSeen, byNode: ReadonlyMap<string, readonly Call[]>): Breach[] {
  const { id, key, status, output, error, journal } = run;
  if (status !== "completed") return [breach("once the kills end, every run completes", { id, key, status, error })];
  const expected = expectedOf(Number(key?.slice("order-".length)));
  const found: Breach[] = [];
  if (canonicalJson(valuesIn(output)) !== canonicalJson(valuesOf(expected))) {
    found.push(breach("outputs are right, those of an each in order", { id, key, output, expected }));
  }
  const done = journal.flatMap((entry) => (entry.kind === "done" && entry.attempt > 0 ? [entry.node] : []));
  if (done.toSorted().join() !== [...expected.nodes].toSorted().join()) {
    found.push(breach("the taken arm only, and all of the rest, has results", { id, key, done }));
  }
  for (const node of expected.nodes) {
    if (!byNode.has(`${id} ${node}`)) found.push(breach("every result was computed", { id, key, node }));
  }
  return found;
}

/** An output with the values of the results in it, without the calls that made them. */
function valuesIn(output: string | null): Json {
  return JSON.parse(output ?? "null", (_, value: unknown) => {
    return callIn(value) === undefined ? value : (value as { readonly value: number }).value;
  }) as Json;
}

function valuesOf({ parcels, total, shipped, bill, note }: Expected): Json {
  return { parcels: [...parcels], total, shipped, bill, note };
}

/** Only the dead are taken over, once, and nobody who lives loses a lease. */
function wrongTakeovers({ marks }: Evidence, lives: ReadonlyMap<number, Life>): Breach[] {
  const owners = new Map(marks.flatMap((mark) => (mark.kind === "joined" ? [[mark.owner, mark.life]] : [])));
  const joined = new Set<number>();
  const taken = new Set<string>();
  return marks.flatMap((mark, at) => {
    if (mark.kind === "took") {
      const isFirst = !taken.has(mark.owner);
      taken.add(mark.owner);
      const victim = lives.get(owners.get(mark.owner) ?? -1);
      return isFirst && isDeadAt(victim, at) ? [] : [breach("only the dead are taken over, once", { mark, isFirst })];
    }
    if (mark.kind === "joined") {
      const isFirst = !joined.has(mark.life);
      joined.add(mark.life);
      return isFirst ? [] : [breach("nobody who lives loses a lease", { mark })];
    }
    return [];
  });
}

/** A lease is taken over once, and what is sent under it after that is not written. */
function unfencedWrites({ marks }: Evidence): Breach[] {
  const taken = new Set<string>();
  const sentDead = new Set<string>();
  return marks.flatMap((mark) => {
    if (mark.kind === "took") {
      const isFirst = !taken.has(mark.owner);
      taken.add(mark.owner);
      return isFirst ? [] : [breach("a lease is taken over once", { mark })];
    }
    if (mark.kind === "commits" && taken.has(mark.owner)) sentDead.add(nameOf(mark));
    if (mark.kind !== "committed" || !sentDead.has(nameOf(mark))) return [];
    const written = mark.calls.length + mark.finished.length + mark.laidDown.length;
    return written === 0 ? [] : [breach("who was taken over writes nothing", { mark })];
  });
}

function nameOf({ life, commit }: { readonly life: number; readonly commit: number }): string {
  return `${life}.${commit}`;
}

/** What a worker says when its server is away. */
const STALLED = "the store takes no writes; nothing new is started";

function wrongAnswers({ marks, runs, isFleet }: Evidence): Breach[] {
  const known = new Set(runs.map(({ id }) => id));
  const answered = new Set(marks.flatMap((mark) => (mark.kind === "committed" ? [nameOf(mark)] : [])));
  /** Leases of which a commit got no answer, for the server's end: what it gave up is others', when it is sent again. */
  const unanswered = new Set<string>();
  return marks.flatMap((mark) => {
    if (mark.kind === "commits" && !answered.has(nameOf(mark))) unanswered.add(mark.owner);
    if (mark.kind === "committed") {
      if (isFleet && unanswered.has(mark.owner)) return [];
      return mark.lost.map((run) => breach("nobody who lives loses a run", { life: mark.life, run }));
    }
    if (mark.kind === "log" && mark.level === "error") {
      return isFleet && mark.message === STALLED ? [] : [breach("no worker complains", { mark })];
    }
    if (mark.kind === "claimed" || mark.kind === "started") {
      const handed = mark.kind === "claimed" ? mark.runs : mark.owned;
      return handed.filter((run) => !known.has(run)).map((run) => breach("a run that was given out exists", { run }));
    }
    return [];
  });
}

function brokenFile({ runs, tallies, integrity }: Evidence): Breach[] {
  const recount = Map.groupBy(runs, ({ status }) => status);
  const isRight =
    tallies.length === recount.size && tallies.every(({ status, runs: told }) => recount.get(status)?.length === told);
  return [
    ...(integrity === "ok" ? [] : [breach("the file is whole", { integrity })]),
    ...(isRight ? [] : [breach("counts are what a recount finds", { tallies })]),
  ];
}
