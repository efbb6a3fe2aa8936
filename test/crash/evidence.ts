/** What a crash test leaves behind, put in order: the marks of the log, and what the store then holds. */
import type { Entry } from "../../packages/tenfold/src/core/entry.ts";
import { readLine } from "../../packages/tenfold/src/core/journal-line.ts";
import type { RunRecord, Store, Tally } from "../../packages/tenfold/src/store/store.ts";
import type { Mark } from "./effect-log.ts";

export type BeforeMark = Extract<Mark, { kind: "before" }>;

export interface RunSeen extends Pick<RunRecord, "id" | "key" | "status" | "output" | "error"> {
  readonly journal: readonly Entry[];
}

export interface Evidence {
  readonly marks: readonly Mark[];
  readonly runs: readonly RunSeen[];
  /** How many runs have each status, as the store counts them without looking at them. */
  readonly tallies: readonly Pick<Tally, "status" | "runs">[];
  /** What the store's keeper says of it: "ok". */
  readonly integrity: string;
  /** Why the crash test did not come to its end; null: it did. */
  readonly stopped: string | null;
  /** Workers were frozen and cut off, so that those who live are taken over too. */
  readonly isFleet: boolean;
}

/** One call of a body. Places are indexes of `Evidence.marks`. */
export interface Call extends BeforeMark {
  readonly at: number;
  effectAt: number | null;
  /** It threw, or has answered. */
  settledAt: number | null;
  hasThrown: boolean;
  /** Its life was told that its result is written. */
  answeredAt: number | null;
  /** It made the result that the journal has. */
  isRecorded: boolean;
}

export interface Life {
  readonly number: number;
  readonly marks: readonly Mark[];
  /** Where its last mark is: while it lived, it was not dead. */
  readonly lastAt: number;
  /** The lives beside it when it was killed; null: it was not killed. */
  readonly killedBeside: readonly number[] | null;
}

/** What the store holds now. */
export async function readRuns(store: Store): Promise<Pick<Evidence, "runs" | "tallies">> {
  const records = await store.list(0, {}, { before: null, limit: 1_000_000 });
  const runs: RunSeen[] = [];
  for (const { id, key, status, output, error } of records) {
    const journal = (await store.journal(0, id)).map(readLine);
    runs.push({ id, key, status, output, error, journal });
  }
  return { runs, tallies: await store.tallies(0, null, null) };
}

/** Every call of a body, by its name. */
export function callsOf({ marks, runs }: Evidence): ReadonlyMap<string, Call> {
  const calls = new Map<string, Call>();
  marks.forEach((mark, at) => {
    if (mark.kind === "before") {
      const open = { effectAt: null, settledAt: null, hasThrown: false, answeredAt: null, isRecorded: false };
      calls.set(mark.call, { ...mark, at, ...open });
    } else if (mark.kind === "committed") {
      for (const call of mark.calls) calls.get(call)!.answeredAt = at;
    } else if (mark.kind === "effect") {
      calls.get(mark.call)!.effectAt = at;
    } else if (mark.kind === "after" || mark.kind === "threw") {
      const call = calls.get(mark.call)!;
      call.settledAt = at;
      call.hasThrown = mark.kind === "threw";
    }
  });
  for (const { journal } of runs) {
    for (const entry of journal) {
      const call = entry.kind === "done" ? calls.get(callIn(entry.output) ?? "") : undefined;
      if (call !== undefined) call.isRecorded = true;
    }
  }
  return calls;
}

/** The call that made this result; undefined for what no body made. */
export function callIn(output: unknown): string | undefined {
  const isMade = typeof output === "object" && output !== null && "call" in output;
  return isMade && typeof output.call === "string" ? output.call : undefined;
}

export function livesOf({ marks }: Evidence): ReadonlyMap<number, Life> {
  const lives = new Map<number, { own: Mark[]; lastAt: number; killedBeside: readonly number[] | null }>();
  marks.forEach((mark, at) => {
    let life = lives.get(mark.life);
    if (life === undefined) lives.set(mark.life, (life = { own: [], lastAt: at, killedBeside: null }));
    if (mark.kind === "killed") {
      life.killedBeside = mark.rest;
    } else if (mark.kind !== "frozen" && mark.kind !== "thawed") {
      life.own.push(mark);
      life.lastAt = at;
    }
  });
  return new Map(
    [...lives].map(([number, { own, lastAt, killedBeside }]) => [number, { number, marks: own, lastAt, killedBeside }]),
  );
}

/** Whether a life may have been dead at this place: it was killed, and left no mark from there on. */
export function isDeadAt(life: Life | undefined, at: number): boolean {
  return life !== undefined && life.killedBeside !== null && life.lastAt < at;
}

/**
 * Whether a lease may have been dead at a place: somebody was about to take it over before, and was not told of the
 * contrary. A life has the lease that it joined last.
 */
export function fencesOf({ marks }: Evidence): (life: number, since: number, at: number) => boolean {
  const joined = new Map<number, { readonly at: number; readonly owner: string }[]>();
  const taken = new Map<string, number>();
  const spared = new Set<number>();
  const attempts = new Map<string, number>();
  marks.forEach((mark, at) => {
    if (mark.kind === "takes") attempts.set(`${mark.life} ${mark.owner}`, at);
    else if (mark.kind === "spared") spared.add(attempts.get(`${mark.life} ${mark.owner}`)!);
  });
  marks.forEach((mark, at) => {
    if (mark.kind === "joined") {
      const leases = joined.get(mark.life) ?? [];
      leases.push({ at, owner: mark.owner });
      joined.set(mark.life, leases);
    } else if (mark.kind === "takes" && !taken.has(mark.owner) && !spared.has(at)) taken.set(mark.owner, at);
  });
  return (life, since, at) => {
    const lease = joined.get(life)?.findLast((each) => each.at < since);
    return lease !== undefined && (taken.get(lease.owner) ?? Infinity) < at;
  };
}
