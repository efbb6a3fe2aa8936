/**
 * Says of each kill what it hit: the runs in the victim's hands, and where it was with them.
 * Invariant: the answer comes from the victim's own marks and from what the store kept of its work, not from the plan.
 */
import type { Mark } from "./effect-log.ts";
import { callsOf, livesOf, type Call, type Evidence } from "./evidence.ts";

export const PHASES = ["before effect", "effect to commit", "commit to answer", "claim to start"] as const;

export type Phase = (typeof PHASES)[number] | "ask to accept" | "joining";

export interface Death {
  readonly life: number;
  /** Where the victim was, by the last thing it did. */
  readonly phase: Phase;
  readonly isAimed: boolean;
  /** Runs that it had claimed or started, and neither ended nor parked. */
  readonly inFlight: number;
  /** Of these the ones, and of their bodies' calls the ones, that were in each phase at the kill. */
  readonly caught: Readonly<Record<(typeof PHASES)[number], number>>;
  /** Lives that were at work beside it. */
  readonly beside: number;
  /** A life that had joined before the kill took over its runs. */
  readonly isTakenOverBySurvivor: boolean;
}

export function deathsOf(evidence: Evidence): readonly Death[] {
  const calls = Map.groupBy(callsOf(evidence).values(), ({ life }) => life);
  const takers = new Map(evidence.marks.flatMap((mark) => (mark.kind === "took" ? [[mark.owner, mark.life]] : [])));
  return [...livesOf(evidence).values()].flatMap((life): Death[] => {
    if (life.killedBeside === null) return [];
    const inHand = inHandOf(life.marks);
    const caught = caughtOf(calls.get(life.number) ?? [], inHand);
    const owner = life.marks.find((mark) => mark.kind === "joined")?.owner ?? "";
    return [
      {
        life: life.number,
        phase: phaseOf(life.marks, caught),
        isAimed: life.marks.at(-1)?.kind === "dying",
        inFlight: inHand.size,
        caught,
        beside: life.killedBeside.length,
        isTakenOverBySurvivor: life.killedBeside.includes(takers.get(owner) ?? -1),
      },
    ];
  });
}

function inHandOf(marks: readonly Mark[]): ReadonlySet<string> {
  const inHand = new Set<string>();
  for (const mark of marks) {
    if (mark.kind === "claimed") for (const run of mark.runs) inHand.add(run);
    else if (mark.kind === "started") for (const run of mark.owned) inHand.add(run);
    else if (mark.kind === "committed") for (const run of [...mark.finished, ...mark.laidDown]) inHand.delete(run);
  }
  return inHand;
}

function caughtOf(calls: readonly Call[], inHand: ReadonlySet<string>): Death["caught"] {
  const caught = { "before effect": 0, "effect to commit": 0, "commit to answer": 0, "claim to start": 0 };
  for (const { effectAt, hasThrown, answeredAt, isRecorded } of calls) {
    if (hasThrown || answeredAt !== null) continue;
    if (effectAt === null) caught["before effect"]++;
    else caught[isRecorded ? "commit to answer" : "effect to commit"]++;
  }
  const begun = new Set(calls.map(({ run }) => run));
  for (const run of inHand) if (!begun.has(run)) caught["claim to start"]++;
  return caught;
}

/** By the victim's last mark; where that says nothing, by what it waited for. */
function phaseOf(marks: readonly Mark[], caught: Death["caught"]): Phase {
  const dying = marks.at(-1);
  if (dying?.kind === "dying" && dying.moment === "start-to-answer") return "ask to accept";
  const last = marks.findLast(({ kind }) => kind !== "dying");
  switch (last?.kind) {
    case "claimed":
      return "claim to start";
    case "commits":
      return caught["commit to answer"] > 0 ? "commit to answer" : "effect to commit";
    case "effect":
    case "after":
      return "effect to commit";
    case "before":
      return "before effect";
    default:
      if (caught["before effect"] > 0) return "before effect";
      if (caught["effect to commit"] > 0) return "effect to commit";
      return caught["claim to start"] > 0 ? "claim to start" : "joining";
  }
}

/** A table of all kills, as a page shows it. */
export function tableOf(deaths: readonly Death[]): string {
  const rows = [...PHASES, "ask to accept", "joining"].map((phase) => {
    const here = deaths.filter((death) => death.phase === phase);
    const aimed = here.filter(({ isAimed }) => isAimed).length;
    const known = PHASES.find((name) => name === phase);
    const caught = known === undefined ? "" : deaths.reduce((sum, death) => sum + death.caught[known], 0);
    const inFlight = here.map((death) => death.inFlight).toSorted((a, b) => a - b);
    const median = inFlight[Math.floor(inFlight.length / 2)] ?? 0;
    return `| ${phase} | ${here.length} | ${aimed} | ${inFlight[0] ?? 0} / ${median} / ${inFlight.at(-1) ?? 0} | ${caught} |`;
  });
  return [
    "| phase | kills | of these aimed | runs in flight (least / median / most) | caught in this phase, by all kills |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}
