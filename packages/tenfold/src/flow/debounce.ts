/** `debounce` of a workflow: starts of one key that come soon after each other are one run; checked, and made what the engine reads. */
import { describe } from "../value/describe.ts";
import { durationMs, type Duration } from "../value/duration.ts";
import type { DebounceDefinition } from "./definition.ts";
import { checkOptionNames, refused } from "./options.ts";
import { schedulesAmong, type TriggerDefinition } from "./trigger.ts";

export interface DebounceOptions {
  /** How long after the last start of its key a run begins. */
  readonly wait: Duration;
  /** How long after the first one it begins at the latest, whoever starts it on and on: ten times `wait` by default. */
  readonly max?: Duration;
}

const DEBOUNCE = { known: ["wait", "max"], later: [] };
/** So many times `wait` is `max`, if nothing else is said. */
const MAX_WAITS = 10;

/** The definition; `owner` is for example `workflow "reindex"`. */
export function checkDebounce(
  owner: string,
  debounce: Duration | DebounceOptions,
  { key, triggers }: { readonly key?: unknown; readonly triggers?: readonly TriggerDefinition[] },
): DebounceDefinition {
  const isDuration = typeof debounce === "string" || typeof debounce === "number";
  const options: DebounceOptions = isDuration ? { wait: debounce } : debounce;
  checkOptionNames(`the debounce of ${owner}`, options, DEBOUNCE, "WORKFLOW_INVALID");
  const { wait, max } = options;
  if (wait === undefined) {
    throw refused("WORKFLOW_INVALID", owner, "its `debounce` has no `wait`", 'Write `debounce: "10s"`.');
  }
  const waitMs = Math.ceil(durationMs(wait, `\`debounce.wait\` of ${owner}`));
  if (waitMs === 0) {
    const way = 'Write "10s", or leave `debounce` out.';
    throw refused("DURATION_INVALID", owner, "its `debounce` is 0, so that no start would wait for another", way);
  }
  const maxMs = max === undefined ? MAX_WAITS * waitMs : Math.ceil(durationMs(max, `\`debounce.max\` of ${owner}`));
  if (maxMs < waitMs) {
    const happened = `its \`debounce.max\`, ${describe(max)}, is less than its \`wait\``;
    throw refused(
      "DURATION_INVALID",
      owner,
      happened,
      "Make it at least as long: a run waits as long as `wait` at least.",
    );
  }
  if (key === undefined) {
    const way = "Say which starts are one run: `key: ({ document }) => document`.";
    throw refused("WORKFLOW_INVALID", owner, "it has a `debounce` and no `key`", way);
  }
  if (schedulesAmong(triggers).length === 0) return Object.freeze({ waitMs, maxMs });
  const way = "Leave one of them out: each tick is a run of its own, which nothing else comes to.";
  throw refused("WORKFLOW_INVALID", owner, "it has both a `debounce` and a schedule", way);
}
