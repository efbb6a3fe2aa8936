/** What must become of each node, as a function of its run and its path alone: known to bodies and auditor alike. */
import type { WorkflowDefinition } from "../../flow/definition.ts";
import { NotDone } from "../../flow/not-done.ts";
import { RateLimited } from "../../flow/rate-limited.ts";
import type { RunRecord } from "../../store/store.ts";
import { hash32 } from "../../value/hash.ts";
import type { Json } from "../../value/json.ts";
import { answerOf } from "./answer.ts";
import { pathOfCall } from "./random-script.ts";
import { interpret, type Expected, type NodeFate } from "./interpreter.ts";

/** So many attempts of a node that can be done are enough for it, unless a process that was frozen let one time out. */
export const ATTEMPTS = 3;
/** Those that a retry policy allows for that. */
export const SPARE_ATTEMPTS = 2;

/** How many attempts of a node fail before one is done; Infinity: all of them. */
export function failuresOf(run: string, path: string): number {
  const called = pathOfCall(path);
  const hash = hash32(`${run} ${called}`);
  // Most of what fails for good in a script is caught there, or another branch goes on.
  if (/\/k\d+$/.test(called) && hash % 5 === 0) return Infinity;
  // Whether a request can be shown decides nothing else, so that what comes of it does not hang on which is first.
  if (hash % 20 === 0 && !path.includes("/show/")) return Infinity;
  return hash % 5 === 1 ? 1 + ((hash >>> 8) % (ATTEMPTS - 1)) : 0;
}

/** What a body throws that fails: that nothing has happened, that its queue is to wait so long (ms; null: it is not), or no more. */
export function thrownAt(attempt: number, saysSo: boolean, slowsMs: number | null): Error {
  const message = `attempt ${attempt} fails`;
  if (saysSo) return new NotDone(message);
  return slowsMs === null ? new Error(message) : new RateLimited(slowsMs);
}

/** How many attempts to undo a node fail before one has undone it. */
export function undoFailuresOf(run: string, path: string): number {
  const hash = hash32(`${run} ${path} undo`);
  return hash % 4 === 1 ? 1 + ((hash >>> 8) % (ATTEMPTS - 1)) : 0;
}

/** What became of the child of a run's call, which is audited by itself. */
export type FateOfChild = (parent: string, path: string) => NodeFate;

/** What a run must come to; which of its nodes were too many in their queues, and failed by that, is a matter of time. */
export function expectedOf(
  workflows: readonly WorkflowDefinition[],
  row: RunRecord,
  childOf: FateOfChild,
  turnedAway: ReadonlySet<string>,
): Expected {
  const { graph } = workflows.find(({ hash }) => hash === row.graph)!;
  const fateOf = (path: string, step: string, input: Json | undefined) =>
    failuresOf(row.id, path) >= ATTEMPTS || turnedAway.has(pathOfCall(path))
      ? { error: path }
      : { output: answerOf(step, input) as unknown as Json };
  const computeOf = (_node: string, [seen]: readonly (Json | undefined)[]) =>
    answerOf("derive", seen) as unknown as Json;
  const expected = interpret(graph, JSON.parse(row.input) as Json, fateOf, computeOf, {
    signalOf,
    decisionOf: (path) => decisionOf(row.id, path),
    childOf: (path) => childOf(row.id, path),
  });
  // Before it was undone, it may have been done.
  return { ...expected, maybe: new Set([...expected.maybe, ...turnedAway]) };
}

/** What people come to: kim and lee have to approve; one of them may refuse. */
export function decisionOf(run: string, path: string): Json {
  const votes = votesOf(run, path);
  const approvals = votes.filter(({ verdict }) => verdict === "approved").map(({ by }) => ({ by, comment: null }));
  const { by, verdict } = votes.at(-1)!;
  return { outcome: verdict, by, comment: null, approvals };
}

/** How they vote, in this order. */
export function votesOf(
  run: string,
  path: string,
): readonly { readonly by: string; readonly verdict: "approved" | "refused" }[] {
  const hash = hash32(`${run} ${path} votes`);
  if (hash % 4 === 0) return [{ by: "kim", verdict: "refused" }];
  return [
    { by: "kim", verdict: "approved" },
    { by: "lee", verdict: hash % 4 === 1 ? "refused" : "approved" },
  ];
}

/** What a signal carries. */
export function signalOf(signal: string, whom: string | null): Json {
  return answerOf(`signal ${signal}`, whom) as unknown as Json;
}
