/**
 * What a workflow's schedules show before they start anything: an input that the workflow refuses, a calendar that ends.
 * Invariant: nothing is started; of the user's code only what is asked at a tick is called, for the next tick.
 */
import { DEFAULT_SETTINGS } from "../engine/engine.ts";
import { prepareStart } from "../engine/start.ts";
import { prepareTick, schedulesOf, type Scheduled } from "../engine/tick-starts.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { TenfoldError } from "../value/error.ts";
import type { Finding } from "./check.ts";
import { calendarEnd } from "./schedule-words.ts";

/** As many next ticks as `tenfold schedules` shows. */
const NEXT = 5;

export async function checkTriggers(definition: WorkflowDefinition, now: number): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const scheduled of schedulesOf([definition])) {
    const { schedule, ticks } = scheduled;
    const next = ticks.between(now, Infinity, NEXT);
    const names = { workflow: definition.name, node: `schedule "${schedule.name}"` };
    const refusal = next.length === 0 ? undefined : await refusalAt(scheduled, next[0]!);
    if (refusal !== undefined) {
      const message = `Its next tick would start no run: ${refusal.message}`;
      found.push({ code: "TICK_REFUSED", level: "error", ...names, message });
    }
    const end = calendarEnd(schedule, next);
    if (end === undefined) continue;
    const message = `Its calendar knows no holiday behind ${end}, and some of its next ticks are. Add the holidays that come.`;
    found.push({ code: "CALENDAR_ENDS", level: "note", ...names, message });
  }
  return found;
}

/** Why the workflow would refuse a tick's input. */
async function refusalAt(scheduled: Scheduled, at: number): Promise<TenfoldError | undefined> {
  const { payloadMax } = DEFAULT_SETTINGS.limits;
  const facts = { payloadMax, lanes: 1, newId: () => "", anyLane: () => 0 };
  const prepare = async (...given: Parameters<Parameters<typeof prepareTick>[2]["prepare"]>) => prepareStart(...given, facts); // prettier-ignore
  try {
    await prepareTick(scheduled, at, { prepare });
    return undefined;
  } catch (thrown) {
    if (thrown instanceof TenfoldError) return thrown;
    throw thrown;
  }
}
