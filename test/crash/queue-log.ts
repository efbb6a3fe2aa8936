/**
 * What the bodies of queued steps noted outside of the store, each program in a file of its own, and what was done to those programs.
 * Invariant: all times are of one clock, the machine's, which nobody sets and every program reads.
 */
import { readFileSync } from "node:fs";
import type { LogLevel } from "../../packages/tenfold/src/engine/ports.ts";

interface Call {
  readonly queue: string;
  readonly key: string;
  /** A run and a node. */
  readonly task: string;
}

export type QueueMark = { readonly at: number } & (
  | ({ readonly kind: "began" | "ended" } & Call)
  | { readonly kind: "opened" }
  | { readonly kind: "log"; readonly level: LogLevel; readonly message: string }
);

/** One program: what it noted, and what was done to it (ms by the machine's clock). */
export interface Life {
  readonly log: string;
  readonly frozen: { readonly from: number; until: number }[];
  /** Infinity: it was not killed. */
  killedAt: number;
}

export interface Effect extends Call {
  readonly life: Life;
  readonly from: number;
  /** The body's end, or its program's death. */
  readonly until: number;
}

export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function marksOf({ log }: Life): readonly QueueMark[] {
  let text: string;
  try {
    text = readFileSync(log, "utf8");
  } catch {
    // Killed before it began.
    return [];
  }
  return text.split("\n").flatMap((line) => (line.endsWith("}") ? [JSON.parse(line) as QueueMark] : []));
}

/** What all bodies did, by their beginnings. */
export function effectsOf(lives: readonly Life[]): readonly Effect[] {
  return lives.flatMap(effectsOfOne).sort((a, b) => a.from - b.from);
}

function effectsOfOne(life: Life): readonly Effect[] {
  const open = new Map<string, { from: number; call: Call }[]>();
  const effects: Effect[] = [];
  for (const mark of marksOf(life)) {
    if (mark.kind !== "began" && mark.kind !== "ended") continue;
    const { kind, at, ...call } = mark;
    const begun = open.get(call.task) ?? [];
    open.set(call.task, begun);
    if (kind === "began") begun.push({ from: at, call });
    else effects.push({ ...call, life, from: begun.shift()!.from, until: at });
  }
  for (const begun of open.values()) {
    for (const { from, call } of begun) effects.push({ ...call, life, from, until: life.killedAt });
  }
  return effects;
}
