/** What bodies of a test did, read by the oracle that the simulator has too. */
import assert from "node:assert/strict";
import type { Rate } from "../../../src/value/rate.ts";
import { breachesIn, mostAtOnce, type Effect } from "../../../src/testing/effect-log.ts";

export interface Promised {
  readonly concurrency?: number;
  readonly rate?: Rate;
}

export class EffectLog {
  readonly effects: Effect[] = [];

  begin(queue: string, key: string, task: string, now: number): Effect {
    const effect: Effect = { queue, key, limit: null, task, cost: 1, began: now, ended: Infinity, excused: null };
    this.effects.push(effect);
    return effect;
  }

  /** The most that were at work at one moment. */
  atOnce(which: (effect: Effect) => boolean = () => true): number {
    return mostAtOnce(this.effects.filter(which));
  }

  /** Asserts what was promised of those effects. */
  keeps({ concurrency, rate }: Promised, which: (effect: Effect) => boolean = () => true): void {
    const limit = { concurrency: concurrency ?? null, rate: rate ?? null };
    assert.deepEqual(breachesIn(this.effects.filter(which), "these", limit), []);
  }

  /** Asserts that each key's tasks began in this order. */
  isInOrder(order: (effect: Effect) => number): void {
    for (const [key, effects] of Map.groupBy(this.effects, ({ key: each }) => each)) {
      const places = effects.map(order);
      assert.deepEqual(places, places.toSorted((a, b) => a - b), `the order of ${key}`); // prettier-ignore
    }
  }
}
