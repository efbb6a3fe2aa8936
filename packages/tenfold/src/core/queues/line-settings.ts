/**
 * What people set of queues, in the place of what the code says: kept as JSON under the line's name, by the names of what is set.
 * Invariant: under the name of a limit that is shared it holds for all its steps together; under that of a step for its queue.
 */
import type { LimitTexts } from "./limit-texts.ts";

/** What is set of one queue, or of one limit; what is left out is as the code says, and null is no limit at all. */
export interface QueueSettings {
  readonly isPaused?: boolean;
  readonly concurrency?: number | null;
  /** As it is written: "10/s burst 5". */
  readonly rate?: string | null;
  /** Of each key. */
  readonly per?: Partial<LimitTexts>;
}

export interface LineSettings {
  /** As the store has it; null: nothing is set. */
  readonly text: string | null;
  /** By the names of what is set. */
  readonly byName: ReadonlyMap<string, QueueSettings>;
}

export const NOTHING_SET: LineSettings = { text: null, byName: new Map() };

export function readSettings(text: string | null): LineSettings {
  if (text === null) return NOTHING_SET;
  return { text, byName: new Map(Object.entries(JSON.parse(text) as Readonly<Record<string, QueueSettings>>)) };
}

/** As the store is to have it, with that of one name changed. */
export function settingsWith({ byName }: LineSettings, name: string, settings: QueueSettings): string | null {
  const all = [...new Map(byName).set(name, settings)].filter(([, each]) => Object.keys(each).length > 0);
  return all.length === 0 ? null : JSON.stringify(Object.fromEntries(all));
}

/** Whether somebody has told the queue, or its limit, to start nothing. */
export function isPausedBy({ byName }: LineSettings, line: string, queue: string): boolean {
  return byName.get(line)?.isPaused === true || byName.get(queue)?.isPaused === true;
}
