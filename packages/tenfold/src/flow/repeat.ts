/** `repeat`: a bounded loop, drawn as one node with the scope of one round. */
import { describe } from "../value/describe.ts";
import { callDrawing } from "./callback.ts";
import { currentDrawing } from "./current-drawing.ts";
import { addNode, drawingError, drawScope, nodeId, type Drawing } from "./drawing.ts";
import { REPEAT_MAX, visitRefs, type RepeatNode, type Template } from "./graph.ts";
import type { Input, Lifted, Plain, Symbolic } from "./lifted.ts";
import { checkName } from "./naming.ts";
import { checkOptionNames } from "./options.ts";
import { lift } from "./template.ts";
import { nodeValue, originOf } from "./value.ts";

export interface RepeatOptions<T> {
  /** Whether this state is the last: `(state) => gte(state.points, 80)`. */
  until(state: Lifted<T>): Symbolic<boolean>;
  /** The most rounds there may be, up to 100,000. */
  readonly max: number;
  /** Where `until` holds after none of them: "fail" (the default, REPEAT_EXHAUSTED), or go on with the "last" state. */
  readonly onMax?: "fail" | "last";
}

/**
 * `repeat(draft, (text) => improve(text), { until: (text) => gte(text.score, 80), max: 5 })`: each round is given what the one before
 * answered, the first one `draft`; answers the last state.
 */
export interface Repeat {
  <V, T extends Plain<V> = Plain<V>>(
    initial: V,
    round: (state: Lifted<T>) => Input<T>,
    options: RepeatOptions<T>,
  ): Lifted<T>;
  <T>(initial: Input<T>, round: (state: Lifted<T>) => Input<T>, options: RepeatOptions<T>): Lifted<T>;
  /** Names the node that is drawn. */
  as(name: string): Repeat;
}

export const repeat: Repeat = makeRepeat(undefined);

type Given = Partial<RepeatOptions<unknown>>;

function makeRepeat(name: string | undefined): Repeat {
  const draw = (initial: unknown, round: unknown, options: unknown): unknown => {
    const drawing = currentDrawing("`repeat`", "Repeat inside of a `flow`, or with a loop in a step's body.");
    return drawRepeat(drawing, nodeId(drawing, name ?? "repeat"), initial, round, options as Given);
  };
  const as = (given: string): Repeat => makeRepeat(checkName("WORKFLOW_INVALID", "a repeat", given));
  return Object.freeze(Object.assign(draw, { as })) as unknown as Repeat;
}

function drawRepeat(drawing: Drawing, id: string, initial: unknown, round: unknown, options: Given): unknown {
  const template = lift(drawing, id, "first state", initial).template;
  const { until, max, onMax } = checked(drawing, id, round, options);
  const { scope, after } = drawing;
  const body = drawing.scopes.length;
  const node: RepeatNode = { kind: "repeat", id, scope, after, initial: template, body, max, onMax };
  const index = addNode(drawing, node);
  drawScope(drawing, index, "", (inner) => {
    const state = addNode(drawing, { kind: "item", id: nodeId(drawing, "state"), scope: inner });
    const written = callDrawing(drawing, "REPEAT_INVALID", id, () =>
      (round as (state: unknown) => unknown)(nodeValue(drawing, state)),
    );
    const next = lift(drawing, id, "round's result", written).template;
    return { kind: "array", items: [next, drawUntil(drawing, id, until, written)] };
  });
  return nodeValue(drawing, index);
}

/** What `until` says of the next state; it has to depend on something, or there would be one round or all of them. */
function drawUntil(drawing: Drawing, id: string, until: RepeatOptions<unknown>["until"], next: unknown): Template {
  const drawnBefore = drawing.nodes.length;
  const written = callDrawing(drawing, "REPEAT_INVALID", id, () => until(next as Lifted<unknown>));
  const { template } = lift(drawing, id, "`until`", written);
  const refuse = (happened: string): Error =>
    drawingError("REPEAT_INVALID", drawing, id, {
      happened,
      wayOut: "Answer a condition of the state: `until: (state) => gte(state.points, 80)`.",
    });
  if (drawing.nodes.length > drawnBefore) throw refuse("its `until` draws a node, and is only to look at the state");
  let hasRefs = false;
  visitRefs(template, () => (hasRefs = true));
  if (!hasRefs) throw refuse(`its \`until\` answers ${describe(written)}, whatever the state is`);
  return template;
}

function checked(drawing: Drawing, id: string, round: unknown, options: Given): Required<RepeatOptions<unknown>> {
  const refuse = (happened: string, wayOut: string): Error =>
    drawingError("REPEAT_INVALID", drawing, id, { happened, wayOut });
  if (typeof round !== "function" || originOf(round) !== undefined) {
    throw refuse(
      `its round is ${describe(round)}`,
      "Give a function of the state: `repeat(draft, (text) => improve(text), …)`.",
    );
  }
  const owner = `repeat "${id}" of workflow "${drawing.workflow}"`;
  checkOptionNames(owner, options ?? {}, { known: ["until", "max", "onMax"], later: [] }, "REPEAT_INVALID");
  const { until, max, onMax = "fail" } = options ?? {};
  if (typeof until !== "function" || originOf(until) !== undefined) {
    throw refuse(
      `its \`until\` is ${describe(until)}`,
      "Give a condition of the state: `until: (state) => gte(state.points, 80)`.",
    );
  }
  if (max === undefined) throw refuse("it has no bound", "Say how many rounds there may be at most: `max: 10`.");
  if (!Number.isInteger(max) || max < 1 || max > REPEAT_MAX) {
    throw refuse(`its \`max\` is ${describe(max)}`, `Give a whole number of rounds from 1 to ${REPEAT_MAX}.`);
  }
  if (onMax !== "fail" && onMax !== "last")
    throw refuse(`its \`onMax\` is ${describe(onMax)}`, `Write "fail" or "last".`);
  return { until, max, onMax };
}
