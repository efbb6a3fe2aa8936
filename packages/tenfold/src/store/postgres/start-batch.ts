/**
 * Starts a batch: written for new at once; where a row is there already, everything is undone, and each start is looked
 * at before it is written. Where a transaction that is open elsewhere has one of the keys, everything is undone too,
 * and the batch is written in ever smaller parts, until the starts that it holds up are alone.
 */
import type { RunStart, StartAnswer } from "../store.ts";
import { startVerdict, type LastOfKey } from "../verdict.ts";
import { plain, texts } from "./arrays.ts";
import type { Connection, Statement, Transaction } from "./connection.ts";
import { isConflict, isLocked } from "./failure.ts";
import { keyColumns } from "./key-columns.ts";
import { postponedStart, postponeRuns } from "./postpone.ts";
import {
  fenceOf,
  foundFence,
  insertsOf,
  KNOWN_STARTS,
  LAST_OF_KEYS,
  lastOfKey,
  lockBefore,
  WAIT_A_LITTLE,
  WAIT_HARDLY,
  type LastOfKeyRow,
  type NewStart,
  type Starting,
} from "./start.ts";

export interface StartConnections {
  readonly starts: Connection;
  /** For what looks before it writes. */
  readonly careful: Connection;
}

export interface Started {
  readonly answers: readonly StartAnswer[];
  /** Those that this call has written. */
  readonly fresh: readonly RunStart[];
}

/** Parts of one batch that are tried; starts of parts that are left over are "locked" too, and come again alone. */
const PARTS_MAX = 100;

const LOCKED: StartAnswer = { kind: "locked" };

/** Null: a dead lease, or a lane that is not here. */
export async function startBatch(
  to: StartConnections,
  lane: number,
  starts: readonly RunStart[],
  starting: Starting,
): Promise<Started | null> {
  const answers: StartAnswer[] = starts.map(() => LOCKED);
  const fresh: RunStart[] = [];
  const parts: (readonly number[])[] = [[...starts.keys()]];
  for (let tried = 0; parts.length > 0 && tried < PARTS_MAX; tried++) {
    const part = parts.shift()!;
    const patience = tried === 0 && part.length > 1 ? WAIT_A_LITTLE : WAIT_HARDLY;
    const itsStarts = part.map((place) => starts[place]!);
    try {
      const started = await startWhole(to, lane, itsStarts, starting, patience);
      if (started === null) return null;
      part.forEach((place, nth) => (answers[place] = started.answers[nth]!));
      fresh.push(...started.fresh);
    } catch (error) {
      if (!isLocked(error)) throw error;
      if (part.length > 1) parts.unshift(...takenApart(part, starts));
    }
  }
  return { answers, fresh };
}

/** Starts without a key, which nobody holds up; then the others, in two halves. */
function takenApart(part: readonly number[], starts: readonly RunStart[]): (readonly number[])[] {
  const free = part.filter((place) => starts[place]!.key === null);
  const keyed = part.filter((place) => starts[place]!.key !== null);
  const middle = Math.ceil(keyed.length / 2);
  return [free, keyed.slice(0, middle), keyed.slice(middle)].filter(({ length }) => length > 0);
}

async function startWhole(
  to: StartConnections,
  lane: number,
  starts: readonly RunStart[],
  starting: Starting,
  patience: string,
): Promise<Started | null> {
  if (mayAllBeNew(starts)) {
    const fresh = starts.map((start) => ({ start, generation: 1 }));
    try {
      const answers = await to.starts.send(insertsOf(lane, fresh, starting, patience));
      if (!foundFence(answers)) return null;
      return { answers: starts.map(() => ({ kind: "started" })), fresh: starts };
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
  for (;;) {
    try {
      const started = await to.careful.transaction((transaction) =>
        startCarefully(transaction, lane, starts, starting, patience),
      );
      if (started !== "again") return started;
    } catch (error) {
      // Somebody else wrote one of them between the look and the write: the next look sees it.
      if (!isConflict(error)) throw error;
    }
  }
}

/**
 * Looks at each start, the earlier ones of this batch included, then writes those that are new, and has others take the place
 * of runs that have not begun; null as above, "again": a key was forgotten between the two, or such a run has begun.
 */
async function startCarefully(
  transaction: Transaction,
  lane: number,
  starts: readonly RunStart[],
  starting: Starting,
  patience: string,
): Promise<Started | "again" | null> {
  const { lease, now } = starting;
  const keyed = starts.flatMap(({ key, workflow, tenant }, nth) =>
    key === null ? [] : [{ nth, key, workflow, tenant }],
  );
  const looks: Statement[] = [
    fenceOf(lane, lease),
    { sql: KNOWN_STARTS, values: [lane, texts(starts.map(({ id }) => id))] },
    {
      sql: LAST_OF_KEYS,
      values: [
        lane,
        plain(keyed.map(({ nth }) => nth)),
        ...keyColumns(keyed.map(({ key, workflow, tenant }) => ({ key: key.key, workflow, tenant }))),
      ],
    },
  ];
  const looked = await transaction.send(looks);
  if (!foundFence(looked)) return null;
  const [, known, lasts] = looked;
  const ids = new Set((known!.rows as { id: string }[]).map(({ id }) => id));
  const lastOf = new Map(
    (lasts!.rows as unknown as (LastOfKeyRow & { nth: number })[]).map((row) => [row.nth, lastOfKey(row)]),
  );
  const startedOf = new Map<string, LastOfKey>();
  const fresh: NewStart[] = [];
  /** Those of which no earlier one of this batch has the key. */
  const firstOfKeys: NewStart[] = [];
  const postponed = new Map<string, RunStart[]>();
  const answers = starts.map((start, nth): StartAnswer => {
    if (ids.has(start.id)) return { kind: "started" };
    let generation = 1;
    let isFirst = false;
    if (start.key !== null) {
      const name = JSON.stringify([start.key.key, start.workflow, start.tenant]);
      const last = startedOf.get(name) ?? lastOf.get(nth);
      const verdict = startVerdict(start.key, last);
      const { inputHash } = start.key;
      if (verdict.kind === "postpone") {
        const { run } = verdict;
        const place = fresh.findIndex((each) => each.start.id === run);
        if (place !== -1) fresh[place] = postponedStart(fresh[place]!, start, now);
        else postponed.set(run, [...(postponed.get(run) ?? []), start]);
        startedOf.set(name, { ...last!, inputHash });
        return { kind: "existing", run, status: "waiting" };
      }
      if (verdict.kind !== "new") return verdict;
      generation = verdict.generation;
      isFirst = !startedOf.has(name);
      const isOwned = lease !== null && (start.at === null || start.at <= now);
      startedOf.set(name, { run: start.id, generation, inputHash, status: isOwned ? "running" : "waiting", mail: 0 });
    }
    ids.add(start.id);
    fresh.push({ start, generation });
    if (isFirst) firstOfKeys.push({ start, generation });
    return { kind: "started" };
  });
  const { again, lock } = lockBefore(lane, firstOfKeys);
  if (again.length > 0 && (await transaction.send([lock]))[0]!.count < again.length) return "again";
  const postponing = await postponeRuns(transaction, lane, postponed, starting, patience);
  if (postponing === "again") return "again";
  await transaction.commit([...insertsOf(lane, fresh, starting, patience), ...postponing]);
  return { answers, fresh: fresh.map(({ start }) => start) };
}

/** Whether no id and no key stands in this batch twice, and none of them is one that mostly comes to a run that is there. */
function mayAllBeNew(starts: readonly RunStart[]): boolean {
  const ids = new Set(starts.map(({ id }) => id));
  const keyed = starts.filter(({ key }) => key !== null);
  if (keyed.some(({ key }) => key!.debounce !== undefined)) return false;
  const keys = new Set(keyed.map(({ key, workflow, tenant }) => JSON.stringify([key!.key, workflow, tenant])));
  return ids.size === starts.length && keys.size === keyed.length;
}
