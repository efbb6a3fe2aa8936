/** The triggers that a workflow is given: each is one, each schedule has a name of its own, and each event one trigger. */
import { describe } from "../value/describe.ts";
import { refused } from "./options.ts";
import type { TriggerDefinition } from "./trigger.ts";

/** The triggers, frozen; `owner` is for example `workflow "report"`. */
export function checkTriggers(owner: string, triggers: unknown): readonly TriggerDefinition[] {
  if (!Array.isArray(triggers)) {
    const way = 'Give a list: `triggers: [schedule("0 9 * * 1-5", { timeZone: "Europe/London" })]`.';
    throw refused("WORKFLOW_INVALID", owner, `its \`triggers\` are ${describe(triggers)}`, way);
  }
  const names = new Set<string>();
  const events = new Set<string>();
  for (const trigger of triggers as readonly unknown[]) {
    if (!isTrigger(trigger)) {
      const way = "Give what `schedule(…)` or `on(…)` answered.";
      throw refused("WORKFLOW_INVALID", owner, `one of its \`triggers\` is ${describe(trigger)}`, way);
    }
    if (trigger.kind === "event") {
      if (events.has(trigger.event)) throw twice(owner, trigger.event);
      events.add(trigger.event);
      continue;
    }
    if (names.has(trigger.name)) {
      const happened = `two of its schedules are named "${trigger.name}"`;
      const way = 'Give each a name of its own, which it keeps: `{ name: "nightly", … }`.';
      throw refused("SCHEDULE_INVALID", owner, happened, way, { schedule: trigger.name });
    }
    names.add(trigger.name);
  }
  return Object.freeze([...(triggers as readonly TriggerDefinition[])]);
}

/** An event starts one run of a workflow: which of two triggers would decide, nobody could say. */
function twice(owner: string, event: string): Error {
  const happened = `two of its triggers are on the event "${event}", and an event starts one run of a workflow`;
  const way = "Write one, with `where: (event) => any(…, …)`; or make the second a workflow of its own.";
  return refused("EVENT_INVALID", owner, happened, way, { event });
}

function isTrigger(value: unknown): value is TriggerDefinition {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  return (value.kind === "schedule" && "when" in value) || (value.kind === "event" && "where" in value);
}
