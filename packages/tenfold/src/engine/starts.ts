/** Starts as all of an engine send them: made ready for their lanes, and written by one group commit a lane. */
import type { RunStart, StartAnswer, Store } from "../store/store.ts";
import { laneChooser } from "./listing.ts";
import type { Clock } from "./ports.ts";
import type { StartFacts } from "./start.ts";
import { StartBatcher } from "./start-batcher.ts";

export interface StartsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly payloadMax: number;
  readonly newId: (lane: number) => string;
  readonly send: (lane: number, starts: readonly RunStart[], isRepeated: boolean) => Promise<readonly StartAnswer[]>;
}

export class Starts {
  /** What a start is made ready with. */
  readonly facts: StartFacts;
  readonly #batchers: readonly StartBatcher[];

  constructor({ store, clock, payloadMax, newId, send }: StartsParts) {
    this.facts = { payloadMax, lanes: store.lanes, newId, anyLane: laneChooser(store) };
    this.#batchers = Array.from({ length: store.lanes }, (_, lane) => {
      return new StartBatcher(clock, (starts, isRepeated) => send(lane, starts, isRepeated));
    });
  }

  /** Resolves when all these runs of a lane are durable. */
  add(lane: number, starts: readonly RunStart[]): Promise<readonly StartAnswer[]> {
    return this.#batchers[lane]!.add(starts);
  }
}
