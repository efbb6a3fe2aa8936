/** Small starts, lines, commits and messages to state laws with, and the form of a law. */
import { test } from "node:test";
import type { JournalLine } from "../../src/core/journal-line.ts";
import { runIdMaker } from "../../src/value/id.ts";
import { seededRandom } from "../../src/value/random.ts";
import type { ClaimedRun, Lease, RunCommit, RunStart, Send, StartKey, Store, Then } from "../../src/store/store.ts";

/** Opens an empty store with so many lanes. */
export type OpenStore = (lanes: number) => Promise<Store>;

/** A minute's start (ms since 1970). */
export const NOW = 1_760_000_040_000;

export const WORKFLOW = "lead-intake";
export const ALL = [WORKFLOW];

/** One test, named by the law, on a store of its own. */
export function law(open: OpenStore, sentence: string, check: (store: Store) => Promise<void>, lanes = 1): void {
  test(sentence, async () => {
    const store = await open(lanes);
    try {
      await check(store);
    } finally {
      await store.close();
    }
  });
}

/** Makes ids of runs started at `at`, in order. */
export function idMaker(): (at?: number, lane?: number) => string {
  const make = runIdMaker(seededRandom(7));
  return (at = NOW, lane = 0) => make(at, lane);
}

export function startOf(id: string, differs: Partial<RunStart> = {}): RunStart {
  const input = `{"lead":"${id}"}`;
  return { id, workflow: WORKFLOW, graph: "g1", tenant: "", input, key: null, attributes: [], at: null, ...differs };
}

export function keyOf(key: string, differs: Partial<StartKey> = {}): StartKey {
  return { key, inputHash: "h1", again: false, ...differs };
}

export function leaseOf(owner: string, lane = 0): Lease {
  return { lane, owner };
}

/** Joins `owner` to the lane. */
export async function joined(store: Store, owner: string, lane = 0): Promise<Lease> {
  const lease = leaseOf(owner, lane);
  await store.join(lease, { worker: `worker of ${owner}`, host: "host", process: "1" });
  return lease;
}

export function lineOf(text: string): JournalLine {
  return { kind: "done", node: text, data: `{"attempt":1,"output":"${text}"}`, at: NOW };
}

export const KEEP: Then = { kind: "keep" };
export const COMPLETED: Then = { kind: "end", status: "completed", output: `"out"`, error: null };
export const FAILED: Then = { kind: "end", status: "failed", output: null, error: `{"code":"STEP_FAILED"}` };
export const HELD: Then = { kind: "end", status: "held", output: null, error: `{"code":"RUN_HELD"}` };

export function commitOf(run: string, differs: Partial<RunCommit> = {}): RunCommit {
  return { run, from: 0, lines: [], absorbed: [], mailSeen: 0, clearsDeaths: false, then: KEEP, ...differs };
}

export function sendOf(run: string, key: string, differs: Partial<Send> = {}): Send {
  return { run, message: { key, body: { kind: "cancel", reason: key }, at: NOW }, reopens: false, ...differs };
}

/** Claims without bounds. */
export async function claimAll(store: Store, lease: Lease, now = NOW): Promise<readonly ClaimedRun[]> {
  return store.claim(lease, ALL, now, 1000, 1e9);
}

export function idsOf(runs: readonly { readonly id: string }[]): string[] {
  return runs.map(({ id }) => id);
}
