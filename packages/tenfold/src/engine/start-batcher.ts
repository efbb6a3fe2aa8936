/**
 * Group commit of starts: what is started while the last batch is on its way goes into the next one.
 * Invariants: a start is sent until it is answered, under the same id, so that it is one run; one that waits for
 * somebody's open transaction is asked for again by itself, and nobody else waits with it.
 */
import type { RunStart, StartAnswer } from "../store/store.ts";
import { waitFor, type Clock } from "./ports.ts";
import { untilAnswered } from "./until-answered.ts";

const STARTS_MAX = 5000;
/** How long a transaction elsewhere may keep a key before the start under it is given up. */
export const LOCKED_FOR_MS = 10_000;
const ASK_FIRST_MS = 10;
const ASK_MAX_MS = 2000;

export type SendStarts = (starts: readonly RunStart[], isRepeated: boolean) => Promise<readonly StartAnswer[]>;

interface Waiting {
  readonly starts: readonly RunStart[];
  readonly resolve: (answers: readonly StartAnswer[]) => void;
  readonly reject: (error: unknown) => void;
}

export class StartBatcher {
  readonly #clock: Clock;
  readonly #send: SendStarts;
  #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(clock: Clock, send: SendStarts) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Resolves when all these runs are durable; a key that is "locked" was so for LOCKED_FOR_MS. */
  add(starts: readonly RunStart[]): Promise<readonly StartAnswer[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ starts, resolve, reject });
      if (this.#isBusy) return;
      this.#isBusy = true;
      this.#clock.soon(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        const all = batch.flatMap(({ starts }) => starts);
        const answers = await untilAnswered(this.#clock, (isRepeated) => this.#send(all, isRepeated));
        let from = 0;
        for (const waiting of batch) this.#answer(waiting, answers.slice(from, (from += waiting.starts.length)));
      } catch (thrown) {
        for (const { reject } of batch) reject(thrown);
      }
    }
    this.#isBusy = false;
  }

  #answer({ starts, resolve, reject }: Waiting, answers: readonly StartAnswer[]): void {
    if (answers.every(({ kind }) => kind !== "locked")) return resolve(answers);
    const decided = answers.map((answer, index) =>
      answer.kind === "locked" ? this.#askAgain(starts[index]!) : answer,
    );
    Promise.all(decided).then(resolve, reject);
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

  /** Those that waited longest, up to the bound of one commit; one at least. */
  #take(): Waiting[] {
    let count = 0;
    let taken = 0;
    for (const { starts } of this.#waiting) {
      if (taken > 0 && count + starts.length > STARTS_MAX) break;
      count += starts.length;
      taken++;
    }
    return this.#waiting.splice(0, taken);
  }
}
