/** A line that is lived through in time: tasks come, are started as soon as they may be, take their time, and end. */
import assert from "node:assert/strict";
import { newLine, type Line, type LineLimits, type Waiting } from "../../../src/core/queues/line-state.ts";
import { join, next, settled } from "../../../src/core/queues/line.ts";

export interface Arrival {
  readonly waiting: Waiting;
  readonly at: number;
  readonly takesMs: number;
}

export interface Started extends Arrival {
  readonly startedAt: number;
}

export interface Rush {
  /** In the order in which they were started. */
  readonly started: readonly Started[];
  /** How often the line was asked in vain. */
  readonly vain: number;
}

/** Plays all `arrivals` to their end. */
export function rush(limits: LineLimits, arrivals: readonly Arrival[], from = 0): Rush {
  const line: Line = newLine(limits, from, true);
  const coming = arrivals.toSorted((a, b) => a.at - b.at);
  const running: Started[] = [];
  const started: Started[] = [];
  const of = new Map(arrivals.map((arrival) => [arrival.waiting, arrival]));
  let now = from;
  let vain = 0;
  for (;;) {
    while (coming.length > 0 && coming[0]!.at <= now) join(line, coming.shift()!.waiting);
    for (const ended of running.filter(({ startedAt, takesMs }) => startedAt + takesMs <= now)) {
      running.splice(running.indexOf(ended), 1);
      settled(line, ended.waiting, now);
    }
    let answer = next(line, now);
    for (; answer.kind === "start"; answer = next(line, now)) {
      const one = { ...of.get(answer.waiting)!, startedAt: now };
      started.push(one);
      running.push(one);
    }
    vain++;
    const times = running.map(({ startedAt, takesMs }) => startedAt + takesMs);
    if (coming.length > 0) times.push(coming[0]!.at);
    if (answer.kind === "later") times.push(answer.at);
    if (times.length === 0) break;
    now = Math.max(now, Math.min(...times));
  }
  assert.equal(started.length, arrivals.length, "somebody waits for ever");
  return { started, vain };
}
