/** What a call starts: its child, by today's code of the workflow that it calls. */
import { outputFrom, type Place } from "../core/state.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { evaluate } from "../flow/evaluate.ts";
import { TenfoldError } from "../value/error.ts";
import { callsDebounced } from "./callees.ts";
import { childId, laneOfChild } from "./child-id.ts";
import type { LiveRun } from "./live-run.ts";
import type { Registry } from "./registry.ts";
import { prepareStart, type PreparedStart, type StartFacts } from "./start.ts";

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
  if (definition.debounce !== undefined) throw callsDebounced(run.context.workflow, node.id, definition.name);
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
