/** Starts as all of an engine send them: made ready for their lanes, and written by one group commit a lane. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import type { RunStart, StartAnswer, Store } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { laneChooser } from "./listing.ts";
import type { Clock } from "./ports.ts";
import { prepareStart, type PreparedStart, type StartFacts, type StartOptions } from "./start.ts";
import { StartBatcher } from "./start-batcher.ts";

/** How long an asynchronous schema may take where no caller waits for it. */
const SCHEMA_MS = 30_000;

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
  readonly #clock: Clock;
  readonly #batchers: readonly StartBatcher[];

  constructor({ store, clock, payloadMax, newId, send }: StartsParts) {
    this.facts = { payloadMax, lanes: store.lanes, newId, anyLane: laneChooser(store) };
    this.#clock = clock;
    this.#batchers = Array.from({ length: store.lanes }, (_, lane) => {
      return new StartBatcher(clock, (starts, isRepeated) => send(lane, starts, isRepeated));
    });
  }

  /** As `prepareStart`, for what comes by itself: one schema that never answers must not keep all the others waiting. */
  async prepare(definition: WorkflowDefinition, input: unknown, options: StartOptions): Promise<PreparedStart> {
    const prepared = prepareStart(definition, input, options, this.facts);
    if (!("then" in prepared)) return prepared;
    const clock = this.#clock;
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.at(clock.now() + SCHEMA_MS, () => reject(unanswered(definition)));
    });
    try {
      return await Promise.race([prepared, late]);
    } finally {
      cancel();
    }
  }

  /** Resolves when all these runs of a lane are durable. */
  add(lane: number, starts: readonly RunStart[]): Promise<readonly StartAnswer[]> {
    return this.#batchers[lane]!.add(starts);
  }
}

function unanswered({ name }: WorkflowDefinition): TenfoldError {
  const message = `The schema of workflow "${name}" has not answered for ${SCHEMA_MS / 1000} s; no run was started. Have it answer in time: what has to be looked up is the work of a step.`;
  return new TenfoldError("INPUT_INVALID", message, { facts: { workflow: name } });
}
