/**
 * What parents and children write to each other, and how a child is named before it is there.
 * Invariants: a child's id follows from its parent's, the call's path and when the call became ready, so that a start sent
 * again is the same run; what one writes to the other goes out with the commit that decided it; its key names it.
 */
import { isCalled, parentsOf } from "../core/constructs/call.ts";
import type { CalledBy, ReturnedEntry, RunError } from "../core/entry.ts";
import { outputFrom, type Place } from "../core/state.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { evaluate } from "../flow/evaluate.ts";
import { FINISHED, type RunRecord, type Send, type Then } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { hash32 } from "../value/hash.ts";
import { derivedRunId, laneOfRun } from "../value/id.ts";
import type { Json } from "../value/json.ts";
import type { LiveRun } from "./live-run.ts";
import type { Registry } from "./registry.ts";
import { prepareStart, type PreparedStart, type StartFacts } from "./start.ts";

/** How a child has ended. */
export type Returned = Pick<ReturnedEntry, "status" | "output" | "error">;

/** The id of the run that a call starts in `lane`. */
export function childId(parent: string, { frame, node }: Place, path: string, lane: number): string {
  return derivedRunId(nameOfCall(parent, path), frame.readyAt[node.local]!, lane);
}

/** The lane of a child whose workflow has no key. */
export function laneOfChild(parent: string, path: string, lanes: number): number {
  return hash32(nameOfCall(parent, path)) % lanes;
}

function nameOfCall(parent: string, path: string): string {
  return `${parent} ${path}`;
}

/** The child that a call has, or had, as far as its journal tells. */
export function knownChild({ frame, node }: Place): string | undefined {
  const called = frame.children?.get(node.local);
  return called !== undefined && isCalled(called) ? (called.child ?? undefined) : undefined;
}

/** A call of a run in memory, and what its child is started with. */
export interface Calling {
  readonly run: LiveRun;
  readonly place: Place;
  readonly path: string;
}

/** The start of the child that a call has, by today's code; throws, or rejects, where its input is refused. */
export function prepareChild(
  { run, place, path }: Calling,
  definition: WorkflowDefinition,
  { lanes, payloadMax }: Pick<StartFacts, "lanes" | "payloadMax">,
): PreparedStart | PromiseLike<PreparedStart> {
  const { node } = place.node;
  if (node.kind !== "call") throw new TenfoldError("INVARIANT_BROKEN", "Only a call has a child.");
  const input = evaluate(node.input, outputFrom(run.state.compiled, place.frame)) ?? null;
  const facts: StartFacts = {
    ...{ lanes, payloadMax },
    newId: (lane) => childId(run.id, place, path, lane),
    anyLane: () => laneOfChild(run.id, path, lanes),
  };
  return prepareStart(definition, input, { tenant: run.context.tenant }, facts);
}

/** The child that a call will have, or has without knowing it; undefined where only an asynchronous schema could tell. */
export function foreseenChild(
  calling: Calling,
  registry: Registry,
  facts: Pick<StartFacts, "lanes" | "payloadMax">,
): string | undefined {
  const { run, place, path } = calling;
  const { node } = place.node;
  const definition = node.kind === "call" ? registry.find(node.workflow) : undefined;
  if (definition === undefined) return undefined;
  if (definition.key === undefined) return childId(run.id, place, path, laneOfChild(run.id, path, facts.lanes));
  try {
    const prepared = prepareChild(calling, definition, facts);
    return "then" in prepared ? void prepared.then(undefined, () => {}) : prepared.start.id;
  } catch {
    // What is refused is no child.
    return undefined;
  }
}

/**
 * Cancels the child of a call that is given up; undefined where the run was started by others and only joined. `isLate`: the
 * child was not there yet when the call was given up, and what was written then may have found nobody.
 */
export function farewell(place: Place, child: string, by: CalledBy, now: number, isLate = false): Send | undefined {
  const lane = laneOfRun(child);
  if (lane === undefined || childId(by.parent, place, by.node, lane) !== child) return undefined;
  const reason = `its parent, run ${by.parent}, needs it no more`;
  const key = `disown ${child} ${by.attempt}${isLate ? " late" : ""}`;
  // A second attempt may be on its way to have an ended child go on: it finds that it comes too late.
  return { run: child, message: { key, body: { kind: "cancel", reason, by }, at: now }, reopens: by.attempt > 1 };
}

/** Has a run tell the call when it ends, and go on if this is not the call's first attempt. */
export function attachment(child: string, { parent, node, attempt }: CalledBy, depth: number, now: number): Send {
  const body = { kind: "attach", parent, of: node, attempt, depth } as const;
  return { run: child, message: { key: `attach ${parent} ${node} ${attempt}`, body, at: now }, reopens: attempt > 1 };
}

/** What a run that ends tells those that wait for it. */
export function tidings(run: LiveRun, { status, output, error }: Extract<Then, { kind: "end" }>, now: number): Send[] {
  const parents = parentsOf(run.state);
  if (parents.length === 0 || !isOver(status)) return [];
  const length = run.journalLength + run.lines.length;
  const ended = returnedOf(status, output, error);
  return parents.map(({ parent, node, attempt }) => {
    const body = { kind: "returned", node, attempt, child: run.id, ...ended } as const;
    return {
      run: parent,
      // A run that was removed and started anew under the same id ends with another attempt.
      message: { key: `returned ${run.id} ${attempt} ${length} ${parent} ${node}`, body, at: now },
      reopens: false,
    };
  });
}

/** How a run has ended, as its row tells; null: it has not. */
export function endOf({ status, output, error }: RunRecord): Returned | null {
  return isOver(status) ? returnedOf(status, output, error) : null;
}

function isOver(status: RunRecord["status"]): status is Returned["status"] {
  return FINISHED.has(status);
}

function returnedOf(status: Returned["status"], output: string | null, error: string | null): Returned {
  return {
    status,
    ...(output === null ? {} : { output: JSON.parse(output) as Json }),
    ...(error === null ? {} : { error: JSON.parse(error) as RunError }),
  };
}
