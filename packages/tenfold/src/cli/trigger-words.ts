/** Triggers in words: when a schedule starts a run, which events do. */
import type { Template } from "../flow/graph.ts";
import type { EventDefinition, TriggerDefinition } from "../flow/trigger.ts";
import { unreachable } from "../value/error.ts";
import { pathText } from "../value/json.ts";
import { scheduleText } from "./schedule-words.ts";

/** `event lead.created where gte(points, 80)`. */
export function triggerText(trigger: TriggerDefinition): string {
  switch (trigger.kind) {
    case "schedule":
      return `schedule "${trigger.name}": ${scheduleText(trigger)} (${trigger.timeZone})`;
    case "event": {
      const filter = trigger.where === null ? "" : ` where ${payloadText(trigger.where)}`;
      return `event ${trigger.event}${filter}${trigger.input === null ? "" : `, on ${inputText(trigger)}`}`;
    }
    default:
      return unreachable(trigger);
  }
}

/** `gte(points, 80)`; "" where every event is meant. */
export function filterText({ where }: Pick<EventDefinition, "where">): string {
  return where === null ? "" : payloadText(where);
}

/** `{ email: email }`; "" where it is the payload. */
export function inputText({ input }: Pick<EventDefinition, "input">): string {
  return input === null ? "" : payloadText(input);
}

/** A template over a payload, whose properties are called by their own names. */
function payloadText(template: Template): string {
  switch (template.kind) {
    case "constant":
      return JSON.stringify(template.value) ?? "nothing";
    case "ref":
      return template.path.length === 0 ? "event" : pathText(template.path);
    case "array":
      return `[${template.items.map(payloadText).join(", ")}]`;
    case "object":
      return `{ ${template.entries.map(([key, item]) => `${key}: ${payloadText(item)}`).join(", ")} }`;
    case "expression":
      return `${template.operator}(${template.operands.map(payloadText).join(", ")})`;
    default:
      return unreachable(template);
  }
}
