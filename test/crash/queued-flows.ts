/** The workflows of the crash test of queues, and what their limits promise. */
import {
  limit,
  step,
  workflow,
  type Lifted,
  type StepContext,
  type Workflow,
} from "../../packages/tenfold/src/flow/index.ts";

export interface Letter {
  readonly tenant: string;
  readonly n: number;
}

/** What every body does; answers when it is done. */
export type QueuedBody = (queue: string, letter: Letter, ctx: StepContext) => Promise<Letter>;

/** How many starts there may be: `burst` at one moment, and `count` more in each `perMs`. */
export interface PromisedRate {
  readonly count: number;
  readonly perMs: number;
  readonly burst: number;
}

/** What holds for the bodies of these queues together; of each key by itself, if `isPerKey`. */
export interface Promised {
  readonly name: string;
  readonly queues: readonly string[];
  readonly isPerKey: boolean;
  readonly concurrency: number | null;
  readonly rate: PromisedRate | null;
}

const API_RATE: PromisedRate = { count: 60, perMs: 1000, burst: 10 };
const PING_RATE: PromisedRate = { count: 40, perMs: 1000, burst: 5 };
/** So slow that its bucket is written before what it permits begins. */
const SLOW_RATE: PromisedRate = { count: 120, perMs: 60_000, burst: 4 };

export const PROMISED: readonly Promised[] = [
  { name: "the limit api", queues: ["call", "mail"], isPerKey: false, concurrency: 5, rate: API_RATE },
  { name: "a key of call", queues: ["call"], isPerKey: true, concurrency: 3, rate: null },
  { name: "book", queues: ["book"], isPerKey: false, concurrency: 3, rate: null },
  { name: "ping", queues: ["ping"], isPerKey: false, concurrency: null, rate: PING_RATE },
  { name: "share", queues: ["share"], isPerKey: false, concurrency: 10, rate: null },
  { name: "post", queues: ["post"], isPerKey: false, concurrency: 2, rate: SLOW_RATE },
];

export interface QueuedFlows {
  /** Three queues, one after the other; the first has a key per tenant. */
  readonly letters: Workflow<Letter, Letter>;
  /** Two queues beside each other, whose owners may be two workers. */
  readonly mails: Workflow<Letter, number>;
  /** One queue, whose bucket outlives its owner. */
  readonly posts: Workflow<Letter, Letter>;
  /** One queue, in which each tenant has the same share. */
  readonly shares: Workflow<Letter, Letter>;
}

export function queuedFlows(body: QueuedBody): QueuedFlows {
  const api = limit("api", { concurrency: 5, rate: "60/s burst 10" });
  const runOf = (queue: string) => (letter: Letter, ctx: StepContext) => body(queue, letter, ctx);
  const per = { key: ({ tenant }: Letter) => tenant, concurrency: 3 };
  const call = step("call", { queue: { limit: api, per }, run: runOf("call") });
  const mail = step("mail", { queue: { limit: api }, run: runOf("mail") });
  const book = step("book", { queue: { concurrency: 3 }, run: runOf("book") });
  const ping = step("ping", { queue: { rate: "40/s burst 5" }, run: runOf("ping") });
  const post = step("post", { queue: { concurrency: 2, rate: "120/min burst 4" }, run: runOf("post") });
  const weight = (): number => 1;
  const share = step("share", {
    queue: { concurrency: 10, per: { key: ({ tenant }: Letter) => tenant, weight } },
    run: runOf("share"),
  });
  const total = step("total", { run: (letters: readonly Letter[]) => letters.length });
  return {
    letters: workflow("letters", { flow: (letter: Lifted<Letter>) => ping(book(call(letter))) }) as Workflow<
      Letter,
      Letter
    >,
    mails: workflow("mails", {
      flow: (letter: Lifted<Letter>) => total([mail(letter), book(letter), ping(letter)]),
    }) as Workflow<Letter, number>,
    shares: workflow("shares", { flow: (letter: Lifted<Letter>) => share(letter) }) as Workflow<Letter, Letter>,
    posts: workflow("posts", { flow: (letter: Lifted<Letter>) => post(letter) }) as Workflow<Letter, Letter>,
  };
}
