/**
 * Whether the limits of queues bear what is expected of the workflows that are checked together.
 * Invariants: nothing is said of workflows that expect nothing; an error is what holds however runs go, as long as nothing
 * fails, and a note is what depends on the way that they take, on their lists, or on how long calls take.
 */
import type { OpenNode, Weigh } from "../core/load/calls-per-run.ts";
import {
  judgePeaks,
  judgeVolume,
  sharesOf,
  volumeOf,
  type Bound,
  type PeakVerdict,
  type Share,
} from "../core/load/expected-load.ts";
import { limitedSteps, type LimitedSteps } from "../core/load/limited-steps.ts";
import { stepUse } from "../core/load/step-use.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { DAY_MS } from "../value/day.ts";
import { durationText, formatDuration } from "../value/duration.ts";
import { unreachable } from "../value/error.ts";
import { rateText, type Rate } from "../value/rate.ts";
import type { Finding, FindingCode } from "./check.ts";
import { flowText, numberText, rateFor } from "./rate-words.ts";

/** Given with all that they call. */
export function checkLimits(definitions: readonly WorkflowDefinition[]): readonly Finding[] {
  return limitedSteps(definitions).flatMap((limited) => [
    ...checkRate(definitions, limited),
    ...checkConcurrency(definitions, limited),
  ]);
}

/** Steps with a cost are left out: what a call of them takes of a rate shows when it is called. */
function checkRate(definitions: readonly WorkflowDefinition[], limited: LimitedSteps): readonly Finding[] {
  const { rate, steps } = limited;
  if (rate === null) return [];
  const counted: Weigh = (definition, node) => {
    const step = definition.steps.get(node.step)!;
    return steps.has(step) && step.queue!.cost === null ? 1 : 0;
  };
  const shares = sharesOf(definitions, counted);
  const goes = rate.count / rate.perMs;
  const told = tellVolume(limited, rate, shares, goes);
  const peaks = judgePeaks(shares, goes).map((verdict) => tellPeak(limited, rate, shares, verdict));
  return told === null ? peaks : [told, ...peaks];
}

function tellVolume(limited: LimitedSteps, rate: Rate, shares: readonly Share[], goes: number): Finding | null {
  const verdict = judgeVolume(shares, goes);
  const lets = `${ownerOf(limited)} lets ${rateText(rate)} start`;
  switch (verdict.kind) {
    case "bears":
      return null;
    case "grows": {
      const { bound, comes } = verdict;
      const sum = `${volumeText(shares, bound)} = ${flowText(comes, rate.perMs)}, and ${lets}`;
      const grows = `${flowText(comes - goes, DAY_MS)} more than can start`;
      const enough = `a rate of at least "${rateFor(comes, rate.perMs)}"`;
      if (bound === "least") {
        const way = `Write ${enough} if what is behind it bears that, call it less often in a run, or expect fewer runs.`;
        return found(limited, "RATE_BELOW_VOLUME", `${sum}: ${grows}, so the line before it can never drain. ${way}`);
      }
      const way = `Write ${enough}, or leave it as it is if only a part of the runs goes that way.`;
      const message = `If every run went the way with the most calls: ${sum}: ${grows}, and the line before it would never drain. ${way}`;
      return found(limited, "RATE_BELOW_WORST_CASE", message);
    }
    case "depends": {
      const { share, open, callsPerRun } = verdict;
      const { text } = share.objective.volume!;
      const depends = `How often a run of "${share.workflow}" calls it depends on ${openText(open)}.`;
      const borne = `${capitalized(lets)}, which at ${text} is ${numberText(callsPerRun)} calls a run on average; with more, the line before it grows and can never drain.`;
      const way = `If there may be more, raise the rate, or expect fewer runs. Where each item is the \`call\` of a workflow with an \`expect.volume\` of its own, their number is known.`;
      const message = `${depends} ${borne} ${way}`;
      return found(limited, "FAN_OUT_UNKNOWN", message);
    }
    default:
      return unreachable(verdict);
  }
}

function tellPeak(limited: LimitedSteps, rate: Rate, shares: readonly Share[], verdict: PeakVerdict): Finding {
  const { share, bound, comes, lastsMs, backlog, drainMs } = verdict;
  const { drain } = share.objective;
  const others = withVolume(shares, bound).filter((one) => one !== share);
  const peak = partText(share, share.objective.peak!.text, bound, others.length > 0);
  const parts = [peak, ...others.map((one) => partText(one, one.objective.volume!.text, bound, true))];
  const worst = bound === "most" ? ", if every run goes the way with the most calls" : "";
  const sum = `At the peak of "${share.workflow}"${worst}: ${parts.join(" + ")} = ${flowText(comes, rate.perMs)}, and ${ownerOf(limited)} lets ${rateText(rate)} start.`;
  const after = share.objective.volume === null ? "at least " : "";
  const leaves = `A peak of ${formatDuration(lastsMs)} leaves ${numberText(backlog)} calls waiting, and they take ${after}${formatDuration(drainMs)} to drain once it is over.`;
  const enough = `a rate of at least "${rateFor(comes, rate.perMs)}"`;
  if (drain === null) {
    const way = `Leave it as it is if they may wait so long, or write ${enough}.`;
    return found(limited, "RATE_BELOW_PEAK", `${sum} ${leaves} ${way}`);
  }
  const demanded = `\`expect.drain\` is "${drain.text}"`;
  const message = `${sum} ${leaves} That is too long: ${demanded}. Raise the rate (${enough} has no backlog at all), or expect less of the drain.`;
  return found(limited, bound === "least" ? "DRAIN_TOO_SLOW" : "RATE_BELOW_PEAK", message);
}

/** By Little's law: as many are at work at once as come in the time that one takes. Of that only the timeout is known. */
function checkConcurrency(definitions: readonly WorkflowDefinition[], limited: LimitedSteps): readonly Finding[] {
  const { concurrency, steps } = limited;
  if (concurrency === null) return [];
  const timed: Weigh = (definition, node) =>
    steps.has(definition.steps.get(node.step)!) ? (stepUse(definition, node).timeoutMs ?? 0) : 0;
  const shares = sharesOf(definitions, timed);
  const bound: Bound = Number.isFinite(volumeOf(shares, "most")) ? "most" : "least";
  const atOnce = volumeOf(shares, bound);
  if (atOnce <= concurrency) return [];
  const calls = volumeOf(
    sharesOf(definitions, (...use) => Math.sign(timed(...use))),
    bound,
  );
  const summed = withVolume(shares, bound);
  const parts = summed.map(({ workflow, objective, calls: ms }) => {
    const of = summed.length > 1 ? ` of "${workflow}"` : "";
    return `${objective.volume!.text} × ${durationText(ms[bound])} of calls in a run${of}`;
  });
  const most = volumeOf(shares, "least") < atOnce ? ", and every run went the way with the most calls" : "";
  const message = `If each call took all of its timeout${most}: ${parts.join(" + ")} = ${numberText(atOnce)} at once, and ${ownerOf(limited)} lets ${concurrency} run at once. It keeps up as long as a call takes less than ${formatDuration(concurrency / calls)} on average. If calls take longer, raise its \`concurrency\` (${Math.ceil(atOnce)} is enough for all of the timeout), or shorten the timeout.`;
  return [found(limited, "CONCURRENCY_BELOW_TIMEOUT", message)];
}

/** Those that bring something in the long run. */
function withVolume(shares: readonly Share[], bound: Bound): readonly Share[] {
  return shares.filter(({ objective, calls }) => objective.volume !== null && calls[bound] > 0);
}

/** `5000/day × 40 calls a run`; of several workflows, each with its name. */
function volumeText(shares: readonly Share[], bound: Bound): string {
  const summed = withVolume(shares, bound);
  return summed.map((one) => partText(one, one.objective.volume!.text, bound, summed.length > 1)).join(" + ");
}

function partText({ workflow, calls }: Share, runs: string, bound: Bound, isNamed: boolean): string {
  const many = calls[bound] === 1 ? "1 call" : `${numberText(calls[bound])} calls`;
  return `${runs} × ${many} a run${isNamed ? ` of "${workflow}"` : ""}`;
}

function openText({ node }: OpenNode): string {
  if (node.kind === "each") return `"${node.id}", whose list is known only in a run`;
  return `how deep "${node.id}" goes on, which calls its own workflow again`;
}

function ownerOf({ limit }: LimitedSteps): string {
  return limit === null ? "its queue" : "the limit";
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const ERRORS: readonly FindingCode[] = ["RATE_BELOW_VOLUME", "DRAIN_TOO_SLOW"];

function found({ limit, workflow, node }: LimitedSteps, code: FindingCode, message: string): Finding {
  const at = limit === null ? node : `limit "${limit}"`;
  return { code, level: ERRORS.includes(code) ? "error" : "note", workflow, node: at, message };
}
