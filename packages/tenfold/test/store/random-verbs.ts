/** Random verbs, one after the other: every answer, and all that can be read afterwards, is that of the memory store. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { idMaker, NOW, type OpenStore } from "./sample.ts";

export interface World {
  /** Of runs, which are old enough to differ in their times. */
  readonly ids: readonly string[];
  readonly now: number;
  readonly model: Store;
  /** As the store has them, in both. */
  readonly keyOf: (key: string) => string;
}

export type Verb = (store: Store, world: World) => Promise<unknown>;

export interface VerbsLaw {
  /** Which verbs, as the law's sentence names them. */
  readonly verbs: string;
  readonly verb: fc.Arbitrary<Verb>;
  readonly sequences: number;
  /** What is there before the first verb. */
  readonly prepare?: Verb;
  /** All that can be read. */
  readonly everything: Verb;
}

export const RUNS = 5;
export const HOLDER = { worker: "w", host: "h", process: "p" };

const RUNS_APART_MS = 30_000;

export function verbsLaw(open: OpenStore, { verbs, verb, sequences, prepare, everything }: VerbsLaw): void {
  test(`random ${verbs} are answered as by the memory store`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(verb, { minLength: 10, maxLength: 60 }), async (sequence) => {
        const make = idMaker();
        const ids = Array.from({ length: RUNS }, (_, nth) => make(NOW + nth * RUNS_APART_MS));
        const [model, store] = [new MemoryStore(1), await open(1)];
        const world = { ids, model, keyOf: store.queues.keyOf.bind(store.queues), now: NOW };
        try {
          for (const each of [store, model]) await prepare?.(each, world);
          for (const [nth, next] of sequence.entries()) {
            const then = { ...world, now: NOW + nth };
            const answer = await outcome(() => next(store, then));
            assert.deepEqual(answer, await outcome(() => next(model, then)));
          }
          assert.deepEqual(await everything(store, world), await everything(model, world));
        } finally {
          await store.close();
        }
      }),
      { numRuns: sequences },
    );
  });
}

/** A verb that a failing sequence prints as `name`. */
export function named(name: string, verb: Verb): Verb {
  return Object.assign(verb, { [fc.toStringMethod]: () => name });
}

async function outcome(verb: () => Promise<unknown>): Promise<unknown> {
  try {
    return await verb();
  } catch (error) {
    return (error as Error).name;
  }
}
