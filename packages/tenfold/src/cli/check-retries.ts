/**
 * What retries come to where everything goes wrong: how long a call takes that needs all its attempts, beside the time that
 * its run has, and how much more often a step is called that fails. Invariant: all of these are notes; most runs need no retry.
 */
import { AMPLIFICATION_MOST, amplifications } from "../core/load/amplification.ts";
import type { FindCallee } from "../core/load/calls-per-run.ts";
import { longestMs, stepUse, type StepUse } from "../core/load/step-use.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { objectiveOf } from "../flow/expect.ts";
import type { Ticks } from "../flow/ticks.ts";
import type { Overlap, ScheduleDefinition } from "../flow/trigger.ts";
import { DAY_MS } from "../value/day.ts";
import { durationText } from "../value/duration.ts";
import { schedulesOf } from "../engine/tick-starts.ts";
import type { Finding } from "./check.ts";
import { plural } from "./time-text.ts";

export function checkRetries(definition: WorkflowDefinition, callee: FindCallee, now: number): readonly Finding[] {
  return [...beyondFinish(definition), ...beyondInterval(definition, now), ...amplified(definition, callee)];
}

interface LongCall {
  readonly node: string;
  readonly use: StepUse;
  readonly ms: number;
}

/** The longest call of each step. */
function longCalls(definition: WorkflowDefinition): readonly LongCall[] {
  const longest = new Map<string, LongCall>();
  for (const node of definition.graph.nodes) {
    if (node.kind !== "step") continue;
    const use = stepUse(definition, node);
    const ms = longestMs(use);
    if (ms !== null && ms > (longest.get(node.step)?.ms ?? 0)) longest.set(node.step, { node: node.id, use, ms });
  }
  return [...longest.values()];
}

/** "4 attempts of 30s and delays of 7s between them are 2m 7s". */
function sumText({ use: { retry, timeoutMs }, ms }: LongCall): string {
  if (retry.attemptsMax === 1) return `its one attempt may take ${durationText(ms)}`;
  const delaysMs = ms - retry.attemptsMax * timeoutMs!;
  const attempts = `${plural(retry.attemptsMax, "attempt")} of up to ${durationText(timeoutMs!)}`;
  return `${attempts}, with up to ${durationText(delaysMs)} between them, take up to ${durationText(ms)}`;
}

function beyondFinish(definition: WorkflowDefinition): readonly Finding[] {
  const { finish } = objectiveOf(definition.expect);
  if (finish === null) return [];
  return longCalls(definition)
    .filter(({ ms }) => ms > finish.withinMs)
    .map((call): Finding => {
      const message = `Where whatever it calls hangs, ${sumText(call)}, and \`expect.finish\` is "${finish.text}": every run that meets this is late. Shorten its timeout, or give it fewer attempts; or leave it as it is, if it happens to fewer than ${Number((100 - finish.percent).toPrecision(3))} in 100 runs.`;
      return {
        code: "RETRIES_BEYOND_FINISH",
        level: "note",
        workflow: definition.name,
        node: call.node,
        message,
      };
    });
}

function beyondInterval(definition: WorkflowDefinition, now: number): readonly Finding[] {
  return schedulesOf([definition]).flatMap(({ schedule, ticks }) => {
    const intervalMs = shortestInterval(ticks, now);
    return longCalls(definition)
      .filter(({ ms }) => ms > intervalMs)
      .map((call): Finding => {
        const message = `Where whatever it calls hangs, ${sumText(call)}, and the schedule "${schedule.name}" ticks after ${durationText(intervalMs)}: ${WHILE_IT_RUNS[schedule.overlap]}. ${wayOut(schedule)}`;
        return {
          code: "RETRIES_BEYOND_INTERVAL",
          level: "note",
          workflow: definition.name,
          node: call.node,
          message,
        };
      });
  });
}

const WHILE_IT_RUNS: Readonly<Record<Overlap, string>> = {
  allow: "runs of later ticks start beside the one that hangs, and call it as well",
  skip: "the ticks that come meanwhile are left out",
  queue: "the ticks that come meanwhile wait, and each runs later than the last",
};

function wayOut({ overlap }: ScheduleDefinition): string {
  const way = "Shorten its timeout, give it fewer attempts, or let the schedule tick less often";
  return overlap === "allow" ? `${way}; with \`overlap: "skip"\` no run starts beside another.` : `${way}.`;
}

/** As far as is looked: a year, or so many ticks. */
const LOOKED_MS = 366 * DAY_MS;
const LOOKED_TICKS = 500;

/** Infinity where there are not two. */
function shortestInterval(ticks: Ticks, now: number): number {
  const next = ticks.between(now, now + LOOKED_MS, LOOKED_TICKS);
  return next.reduce((shortest, at, index) => (index === 0 ? shortest : Math.min(shortest, at - next[index - 1]!)), Infinity); // prettier-ignore
}

function amplified(definition: WorkflowDefinition, callee: FindCallee): readonly Finding[] {
  return amplifications(definition, callee).map(({ step, workflow, node, calls, arithmetic }): Finding => {
    const where = workflow === definition.name ? "" : ` (in "${workflow}")`;
    const message = `Retries stand around each other: while what the step "${step}"${where} calls is down, one call of it becomes ${arithmetic} = ${calls}, more than ${AMPLIFICATION_MOST} times the load, on what fails already. Retry in one place: \`retry: { attempts: 1 }\` in the step, or fewer rounds around it; or bound its retries with a budget, \`retry: { budget: "10%" }\`.`;
    return { code: "RETRY_AMPLIFICATION", level: "note", workflow: definition.name, node, message };
  });
}
