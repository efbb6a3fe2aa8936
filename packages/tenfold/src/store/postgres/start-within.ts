/**
 * Starts runs within a transaction that is the caller's: looks before it writes, because a row that is refused would end
 * that transaction, and takes a key before it writes anything else.
 */
import { TenfoldError } from "../../value/error.ts";
import type { RunStart, StartAnswer } from "../store.ts";
import { startVerdict, type LastOfKey } from "../verdict.ts";
import { clientRefused } from "../caller-client.ts";
import { plain, texts } from "./arrays.ts";
import type { SendWithin } from "./caller-transactions.ts";
import type { Statement } from "./connection.ts";
import { keysOf, LAST_OF_KEYS, lastOfKey, lockBefore, rowsOf, TAKE_KEYS, type LastOfKeyRow } from "./start.ts";

/** One text, because a caller's client may name columns, and read numbers, in ways of its own. */
export const LOOK_BEFORE_START = `
  select json_build_object(
      'isGraphKnown', exists (select from tenfold.graphs g where g.lane = $1 and g.hash = $6),
      'last', row_to_json(f))::text as found
  from tenfold.lanes a
    left join (${LAST_OF_KEYS}) as f on true
  where a.lane = $1
  for key share of a`;

interface Found {
  readonly isGraphKnown: boolean;
  readonly last: LastOfKeyRow | null;
}

/** `tell` is the statement by which others hear of a new run. */
export async function startWithin(
  send: SendWithin,
  lane: number,
  starts: readonly RunStart[],
  now: number,
  tell: Statement,
): Promise<readonly StartAnswer[]> {
  const answers: StartAnswer[] = [];
  for (const start of starts) answers.push(await startOne(send, lane, start, now, tell));
  return answers;
}

async function startOne(
  send: SendWithin,
  lane: number,
  start: RunStart,
  now: number,
  tell: Statement,
): Promise<StartAnswer> {
  for (;;) {
    const last = await lookFor(send, lane, start);
    const verdict = start.key === null ? ({ kind: "new", generation: 1 } as const) : startVerdict(start.key, last);
    if (verdict.kind === "postpone") {
      throw new TenfoldError("INVARIANT_BROKEN", "No start in a caller's transaction has a debounce.");
    }
    if (verdict.kind !== "new") return verdict;
    const fresh = [{ start, generation: verdict.generation }];
    const { again, lock } = lockBefore(lane, fresh);
    if (again.length > 0 && (await send([lock]))[0]!.length === 0) continue;
    const keys = keysOf(lane, fresh, null);
    if (keys !== null) {
      const [taken] = await send([{ sql: TAKE_KEYS, values: keys }]);
      // Another transaction has committed it since the look: the next look sees it.
      if (taken!.length === 0) continue;
    }
    await send([...rowsOf(lane, fresh, { lease: null, now }), tell]);
    return { kind: "started" };
  }
}

async function lookFor(send: SendWithin, lane: number, start: RunStart): Promise<LastOfKey | undefined> {
  const { key, workflow, tenant, graph } = start;
  const values = [lane, plain([0]), texts([key?.key ?? null]), texts([workflow]), texts([tenant]), graph];
  const [rows] = await send([{ sql: LOOK_BEFORE_START, values }]);
  if (rows!.length === 0) {
    throw clientRefused(
      `start was given a client as \`with\` that is connected to a server which does not hold lane ${lane}, where this run belongs`,
      "Give a client of the store's own database; where the store is a list of servers, of the one that holds the lane (`tenfold lanes`).",
    );
  }
  const [text] = Object.values(rows![0] as Readonly<Record<string, string>>);
  const { isGraphKnown, last } = JSON.parse(text!) as Found;
  if (isGraphKnown) return last === null ? undefined : lastOfKey(last);
  throw clientRefused(
    "start was given a client as `with` that is connected to the database of another store, which does not know this workflow's graph",
    "Give a client of the store's own database.",
  );
}
