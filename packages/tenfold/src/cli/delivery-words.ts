/** What became of an event for one workflow, in words and as JSON. */
import type { DeliveryView } from "../engine/event-views.ts";
import { brief } from "./columns.ts";
import { timeJson } from "./run-json.ts";
import type { Terminal } from "./terminal.ts";

/** "welcome  run 01m4…", "hot  refused: INPUT_INVALID …". */
export function deliveryLine(terminal: Terminal, delivery: DeliveryView): string {
  return `${terminal.paint("bold", delivery.workflow)}  ${stateText(terminal, delivery)}`;
}

export function stateText(terminal: Terminal, { state, run, error }: DeliveryView): string {
  if (state === "started") return `run ${run!}`;
  if (state === "waiting") return "waits for a worker that has its code";
  return `${terminal.paint("red", "refused")}: ${error!.code} ${brief(error!.message)}`;
}

/** A delivery as a program reads it: times as ISO 8601. */
export function deliveryJson({ emittedAt, ...delivery }: DeliveryView): unknown {
  return { ...delivery, emittedAt: timeJson(emittedAt) };
}
