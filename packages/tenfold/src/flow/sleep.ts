/** `sleep` and `sleepUntil`: nodes that are done when their time has come, minutes or months later. */
import { isCalendar, type Calendar } from "../value/business-days.ts";
import { describe } from "../value/describe.ts";
import type { Duration } from "../value/duration.ts";
import { instantMs } from "../value/instant.ts";
import { currentDrawing } from "./current-drawing.ts";
import { addNode, drawingError, nodeId, type Drawing } from "./drawing.ts";
import { asOfNode, checkedDuration } from "./durations.ts";
import { BUSINESS_DAYS_MAX, type SleepNode } from "./graph.ts";
import type { Input, Value } from "./lifted.ts";
import { checkName, plainSegment, subjectName } from "./naming.ts";
import { lift } from "./template.ts";
import { nodeValue, originOf } from "./value.ts";

/** `after(mail(lead), () => sleep("3 days"))`: done so long after what it waits for is; alone, after the run's start. */
export interface Sleep {
  (duration: Duration): Value<null>;
  /** `sleep("2 business days", { calendar: london })`: until the same time of day, so many business days later. */
  (duration: BusinessDuration, options: { readonly calendar: Calendar }): Value<null>;
  /** Names the node that is drawn. */
  as(name: string): Sleep;
}

export type BusinessDuration = `${number} business day` | `${number} business days`;

/** `sleepUntil(order.shipAt)`: done at that moment (ms since 1970, or ISO 8601 with an offset); at once if it is past. */
export interface SleepUntil {
  (moment: Input<string> | Input<number>): Value<null>;
  /** Names the node that is drawn. */
  as(name: string): SleepUntil;
}

export const sleep: Sleep = makeSleep(undefined);
export const sleepUntil: SleepUntil = makeSleepUntil(undefined);

const OUTSIDE = "A step's body waits with a timer of its own, and keeps its slot meanwhile; a script has `ctx.sleep`.";

function makeSleep(name: string | undefined): Sleep {
  const draw = (duration: unknown, options?: unknown): unknown => {
    const drawing = currentDrawing("`sleep`", OUTSIDE);
    const words =
      originOf(duration) !== undefined ? "value" : typeof duration === "number" ? `${duration}ms` : String(duration);
    const id = nodeId(drawing, name ?? `sleep-${plainSegment(words.trim())}`);
    const count = typeof duration === "string" ? BUSINESS_DAYS.exec(duration) : null;
    if (count !== null || options !== undefined) {
      return drawSleep(drawing, id, businessDays(drawing, id, { duration, count: Number(count?.[1]), options }));
    }
    return drawSleep(drawing, id, { forMs: checkedDuration(drawing, id, "its duration", duration) });
  };
  const as = (given: string): Sleep => makeSleep(checkName("WORKFLOW_INVALID", "a sleep", given));
  return Object.freeze(Object.assign(draw, { as })) as unknown as Sleep;
}

const BUSINESS_DAYS = /^\s*(\d+)\s*business\s+days?\s*$/;

interface BusinessDays {
  readonly duration: unknown;
  readonly count: number;
  readonly options: unknown;
}

function businessDays(drawing: Drawing, id: string, { duration, count, options }: BusinessDays): SleepNode["until"] {
  const refuse = (happened: string, wayOut: string): Error =>
    drawingError("DURATION_INVALID", drawing, id, { happened, wayOut });
  const given = typeof options === "object" && options !== null && "calendar" in options ? options.calendar : undefined;
  if (Number.isNaN(count)) {
    const happened = `its duration is ${describe(duration)}, and has a calendar or other options beside it`;
    throw refuse(happened, 'Write `sleep("2 business days", { calendar })`, or the duration alone.');
  }
  if (!isCalendar(given)) {
    const happened = `its duration is ${describe(duration)}, and which days these are is not said`;
    throw refuse(happened, 'Give what `calendar(…)` answered: `sleep("2 business days", { calendar })`.');
  }
  if (count >= 1 && count <= BUSINESS_DAYS_MAX) return { businessDays: count, calendar: given };
  throw refuse(`its duration is ${describe(duration)}`, `Give from 1 to ${BUSINESS_DAYS_MAX} business days.`);
}

function makeSleepUntil(name: string | undefined): SleepUntil {
  const draw = (moment: unknown): unknown => {
    const drawing = currentDrawing("`sleepUntil`", OUTSIDE);
    const { template } = lift(drawing, name ?? "sleep-until", "moment", moment);
    const id = nodeId(drawing, name ?? `sleep-until-${subjectName(drawing, template) ?? "moment"}`);
    if (template.kind === "constant") asOfNode(drawing, id, () => instantMs(template.value, "its moment"));
    return drawSleep(drawing, id, { at: template });
  };
  const as = (given: string): SleepUntil => makeSleepUntil(checkName("WORKFLOW_INVALID", "a sleep", given));
  return Object.freeze(Object.assign(draw, { as })) as unknown as SleepUntil;
}

function drawSleep(drawing: Drawing, id: string, until: SleepNode["until"]): unknown {
  const { scope, after } = drawing;
  return nodeValue(drawing, addNode(drawing, { kind: "sleep", id, scope, after, until }));
}
