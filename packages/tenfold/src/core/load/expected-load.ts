/**
 * Whether a limit bears what is expected of the workflows that call its steps: the fluid arithmetic of a line, in which what
 * comes and what goes are flows. All rates are calls a millisecond.
 * Invariants: what is `certain` holds however the runs go, as long as nothing fails; retries only add to it.
 */
import type { WorkflowDefinition } from "../../flow/definition.ts";
import { objectiveOf, type ExpectedRate, type Objective } from "../../flow/expect.ts";
import type { CallNode } from "../../flow/graph.ts";
import { callsPerRun, type CallsPerRun, type FindCallee, type OpenNode, type Weigh } from "./calls-per-run.ts";

/** What one workflow asks of a limit. */
export interface Share {
  readonly workflow: string;
  readonly objective: Objective;
  readonly calls: CallsPerRun;
}

/**
 * The workflows whose runs are expected and call what is weighed. One with a volume of its own counts with that, whoever starts
 * its runs; one without counts within those that call it.
 */
export function sharesOf(definitions: readonly WorkflowDefinition[], weigh: Weigh): readonly Share[] {
  const known = new Map(definitions.map((definition) => [definition.name, definition]));
  const callee: FindCallee = ({ workflow }: CallNode) => {
    const child = known.get(workflow);
    return child?.expect?.volume === undefined ? child : undefined;
  };
  return definitions.flatMap((definition) => {
    const objective = objectiveOf(definition.expect);
    if (objective.volume === null && objective.peak === null) return [];
    const calls = callsPerRun(definition, weigh, callee);
    return calls.most === 0 ? [] : [{ workflow: definition.name, objective, calls }];
  });
}

/** Whose number of calls is counted: the fewest that a run makes, or the most. */
export type Bound = "least" | "most";

/** What comes in the long run. */
export function volumeOf(shares: readonly Share[], bound: Bound): number {
  return shares.reduce((total, { objective, calls }) => total + flow(objective.volume, calls[bound]), 0);
}

function flow(rate: ExpectedRate | null, calls: number): number {
  return rate === null ? 0 : (rate.count / rate.perMs) * calls;
}

export type VolumeVerdict =
  | { readonly kind: "bears" }
  /** More comes than goes, in every run or in those that call most: it can never drain. */
  | { readonly kind: "grows"; readonly bound: Bound; readonly comes: number }
  /** It depends on how long the lists are: so many calls a run on average are borne. */
  | {
      readonly kind: "depends";
      readonly share: Share;
      readonly open: OpenNode;
      readonly callsPerRun: number;
    };

/** Of a limit that lets `goes` pass. */
export function judgeVolume(shares: readonly Share[], goes: number): VolumeVerdict {
  const certain = volumeOf(shares, "least");
  if (exceeds(certain, goes)) return { kind: "grows", bound: "least", comes: certain };
  const share = shares.find(({ objective, calls }) => objective.volume !== null && calls.most === Infinity);
  if (share !== undefined) {
    const volume = flow(share.objective.volume, 1);
    const others = certain - flow(share.objective.volume, share.calls.least);
    return { kind: "depends", share, open: share.calls.open[0]!, callsPerRun: (goes - others) / volume };
  }
  const worst = volumeOf(shares, "most");
  return exceeds(worst, goes) ? { kind: "grows", bound: "most", comes: worst } : { kind: "bears" };
}

/** A peak in which more comes than goes, though not in the long run. */
export interface PeakVerdict {
  readonly share: Share;
  readonly bound: Bound;
  readonly comes: number;
  /** How long it is taken to last (ms). */
  readonly lastsMs: number;
  /** The calls that it leaves waiting. */
  readonly backlog: number;
  /** How long (ms) these take once it is over. */
  readonly drainMs: number;
}

/** Where nothing says how long a peak lasts. */
const PEAK_MS = 600_000;

/**
 * For each workflow whose peak, while the others come as ever, is more than a limit lets pass; none where it is written that so
 * much may wait so long.
 */
export function judgePeaks(shares: readonly Share[], goes: number): readonly PeakVerdict[] {
  const bounds: readonly Bound[] = shares.some(({ calls }) => calls.most === Infinity) ? ["least"] : ["least", "most"];
  return shares.flatMap((share) => {
    const { objective, calls } = share;
    if (objective.peak === null) return [];
    for (const bound of bounds) {
      const usual = volumeOf(shares, bound);
      const comes = usual - flow(objective.volume, calls[bound]) + flow(objective.peak, calls[bound]);
      if (!exceeds(comes, goes) || usual >= goes) continue;
      const lastsMs = objective.drain?.afterMs ?? PEAK_MS;
      const backlog = (comes - goes) * lastsMs;
      const drainMs = backlog / (goes - usual);
      if (drainMs < (objective.drain?.withinMs ?? 0)) continue;
      return [{ share, bound, comes, lastsMs, backlog, drainMs }];
    }
    return [];
  });
}

/** By more than rounding. */
function exceeds(comes: number, goes: number): boolean {
  return comes > goes * (1 + 1e-9);
}
