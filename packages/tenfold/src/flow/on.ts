/**
 * `on`: a trigger by an event that somebody emits. Its filter and its input are drawn once, with a value in the place of
 * the payload, and kept as data: so whoever emits needs no code of the workflow to know whether it is for it.
 */
import { TenfoldError } from "../value/error.ts";
import { describe } from "../value/describe.ts";
import { callDrawing } from "./callback.ts";
import { whileDrawing } from "./current-drawing.ts";
import { drawingError, startDrawing, type Drawing } from "./drawing.ts";
import type { Condition } from "./expression.ts";
import type { Template } from "./graph.ts";
import type { Lifted, Plain, Symbolic } from "./lifted.ts";
import { checkOptionNames, refused } from "./options.ts";
import { lift } from "./template.ts";
import type { EventDefinition, EventTrigger } from "./trigger.ts";
import { nodeValue } from "./value.ts";

export interface OnOptions<V> {
  /** Which of them: a condition over the payload, `(lead) => gte(lead.points, 80)`; all of them by default. */
  where?(event: V): Condition;
}

const OPTIONS = { known: ["where", "input"], later: [] };
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/;

/**
 * `on<Lead>("lead.created", { where: (lead) => gte(lead.points, 80) })`: each such event starts one run, on its payload.
 * `input: (lead: Lifted<Lead>) => ({ email: lead.email })` makes the run's input out of it, with values, as a flow does.
 */
export function on<P = never>(
  event: string,
  options?: OnOptions<Lifted<P>> & { readonly input?: undefined },
): EventTrigger<P>;
export function on<V extends Symbolic<unknown>, R>(
  event: string,
  options: OnOptions<V> & { input(event: V): R },
): EventTrigger<Plain<R>>;
export function on(
  event: string,
  options: OnOptions<never> & { readonly input?: ((event: never) => unknown) | undefined } = {},
): EventDefinition {
  checkEventName(event, "the trigger was not defined");
  const owner = `trigger on "${event}"`;
  checkOptionNames(owner, options, OPTIONS, "EVENT_INVALID");
  const { where, input } = options;
  return Object.freeze<EventDefinition>({
    kind: "event",
    event,
    where: where === undefined ? null : conditionOf(owner, event, where),
    input: input === undefined ? null : draw(owner, event, "input", input),
  });
}

/** The name of an event, if it is one; `notDone` is such as "nothing was emitted". */
export function checkEventName(name: unknown, notDone: string): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  const message = `${describe(name)} cannot be the name of an event; ${notDone}. A name has up to 100 letters, digits, ".", "-", "_" and ":", and begins with a letter or digit: "lead.created".`;
  throw new TenfoldError("EVENT_INVALID", message, { facts: { event: name } });
}

function conditionOf(owner: string, event: string, where: (event: never) => unknown): Template {
  const condition = draw(owner, event, "where", where);
  if (condition.kind === "expression" || condition.kind === "ref") return condition;
  const happened = "its `where` answers no condition over the payload";
  throw refused("EVENT_INVALID", owner, happened, "Answer one: `where: (lead) => gte(lead.points, 80)`.", { event });
}

function draw(owner: string, event: string, option: string, written: (event: never) => unknown): Template {
  if (typeof written !== "function") {
    const way = `Give a function of the payload: \`${option}: (lead) => …\`.`;
    throw refused("EVENT_INVALID", owner, `its \`${option}\` is ${describe(written)}`, way, { event });
  }
  const drawing = startDrawing(`on ${event}`);
  const template = whileDrawing(drawing, () => {
    const answered = callDrawing(drawing, "EVENT_INVALID", option, () => written(nodeValue(drawing, 0) as never));
    return lift(drawing, option, "result", answered).template;
  });
  mustDrawNothing(drawing, option);
  return freeze(template);
}

function mustDrawNothing(drawing: Drawing, option: string): void {
  const node = drawing.nodes[1];
  if (node === undefined) return;
  throw drawingError("EVENT_INVALID", drawing, node.id, {
    happened: `the \`${option}\` of a trigger draws a node, and nothing runs before there is a run`,
    wayOut: "Use the payload and conditions over it alone; what has to be done is the work of the workflow.",
  });
}

function freeze<T>(data: T): T {
  if (typeof data === "object" && data !== null && !Object.isFrozen(data)) {
    Object.freeze(data);
    for (const part of Object.values(data)) freeze(part);
  }
  return data;
}
