/**
 * Group commit of starts.
 * Invariants: a start is sent until it is answered, under the same id, so that it is one run; one that waits for
 * somebody's open transaction is asked for again by itself, and nobody else waits with it.
 */
import type { RunStart, StartAnswer } from "../store/store.ts";
import { GroupCommit } from "./group-commit.ts";
import { waitFor, type Clock } from "./ports.ts";
import { untilAnswered } from "./until-answered.ts";

const STARTS_MAX = 5000;
/** How long a transaction elsewhere may keep a key before the start under it is given up. */
export const LOCKED_FOR_MS = 10_000;
const ASK_FIRST_MS = 10;
const ASK_MAX_MS = 2000;

export type SendStarts = (starts: readonly RunStart[], isRepeated: boolean) => Promise<readonly StartAnswer[]>;

export class StartBatcher {
  readonly #clock: Clock;
  readonly #send: SendStarts;
  readonly #commits: GroupCommit<readonly RunStart[], readonly StartAnswer[]>;

  constructor(clock: Clock, send: SendStarts) {
    this.#clock = clock;
    this.#send = send;
    this.#commits = new GroupCommit({
      clock,
      max: STARTS_MAX,
      sizeOf: (starts) => starts.length,
      send: (batch) => this.#sendAll(batch),
    });
  }

  /** Resolves when all these runs are durable; a key that is "locked" was so for LOCKED_FOR_MS. */
  async add(starts: readonly RunStart[]): Promise<readonly StartAnswer[]> {
    const answers = await this.#commits.add(starts);
    if (answers.every(({ kind }) => kind !== "locked")) return answers;
    return Promise.all(
      answers.map((answer, nth) => (answer.kind === "locked" ? this.#askAgain(starts[nth]!) : answer)),
    );
  }

  async #sendAll(batch: readonly (readonly RunStart[])[]): Promise<readonly (readonly StartAnswer[])[]> {
    const all = batch.flat();
    const answers = await untilAnswered(this.#clock, (isRepeated) => this.#send(all, isRepeated));
    let from = 0;
    return batch.map(({ length }) => answers.slice(from, (from += length)));
  }

  /** Asks for a start alone, with growing pauses, until its key is free or patience is over. */
  async #askAgain(start: RunStart): Promise<StartAnswer> {
    const until = this.#clock.elapsed() + LOCKED_FOR_MS;
    for (let pauseMs = ASK_FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, ASK_MAX_MS)) {
      await waitFor(this.#clock, pauseMs);
      const [answer] = await untilAnswered(this.#clock, (isRepeated) => this.#send([start], isRepeated));
      if (answer!.kind !== "locked" || this.#clock.elapsed() >= until) return answer!;
    }
  }
}
