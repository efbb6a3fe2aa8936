/** The triggers that a workflow is given: each is one, and each schedule has a name of its own. */
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
  for (const trigger of triggers as readonly unknown[]) {
    if (!isTrigger(trigger)) {
      const way = "Give what `schedule(…)` answered.";
      throw refused("WORKFLOW_INVALID", owner, `one of its \`triggers\` is ${describe(trigger)}`, way);
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

function isTrigger(value: unknown): value is TriggerDefinition {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "schedule" && "when" in value;
}
