/** What the functions of a step's queue are given, and what they may answer. */
import { z } from "zod";
import { limit, step, type BatchContext, type Limit, type Lifted, type StepContext } from "../../src/flow/index.ts";
import { same } from "./lead.ts";

interface Call {
  readonly customer: string;
  readonly words: number;
}

declare const call: Lifted<Call>;
declare const use: (value: unknown) => void;

const openai = limit("openai", { concurrency: 5, rate: "60/min" });

export function theInputComesFromTheBody(): void {
  const behind = step("behind", {
    run: (call: Call, ctx) => `${call.words} ${ctx.key}`,
    queue: {
      concurrency: 50,
      rate: "100/s",
      per: { key: (call) => call.customer, concurrency: 1, rate: "5/s", weight: (call) => call.words, order: "strict" },
      priority: (call) => Math.min(9, call.words),
      cost: (call) => call.words,
      limit: openai,
    },
  });
  same<string>()(behind(call));
  const before = step("before", {
    queue: { rate: "5/s", cost: (call) => call.words },
    async run(call: Call) {
      return call.words;
    },
  });
  same<number>()(before(call));
  const said = step("said", {
    queue: {
      rate: "5/s",
      cost: (call: Call) => call.words,
      priority: (call: Call) => call.words,
      per: { key: (call: Call) => call.customer, weight: (call: Call) => call.words },
    },
    run: (call: Call, ctx) => {
      ctx.spent(call.words);
      return ctx.key;
    },
  });
  same<string>()(said(call));
  // @ts-expect-error the body takes more
  said({ customer: "kim" });
  same<string>()(said.as("again").with({ timeout: "1s" })(call));
  const line = step("line", { queue: {}, run: (call: Call) => call });
  same<Call>()(line(call));
}

export function theInputIsWhatIsStored(): void {
  const at = z.object({ to: z.string(), at: z.iso.datetime().transform((text) => new Date(text)) });
  const remind = step("remind", {
    input: at,
    queue: { per: { key: (given) => given.to + given.at.slice(0, 10), concurrency: 1 }, priority: -9 },
    run: ({ at }, ctx) => `${at.getTime()} ${ctx.key}`,
  });
  same<string>()(remind({ to: call.customer, at: "2026-05-01T09:30:00Z" }));
  step("wrong", {
    input: at,
    // @ts-expect-error the schema has not made a Date of it yet
    queue: { per: { key: (given) => given.at.getTime().toFixed(), concurrency: 1 } },
    run: ({ to }) => to,
  });
}

export function whatIsWrongDoesNotCompile(): void {
  const run = ({ words }: Call): number => words;
  // @ts-expect-error no such option
  step("wrong", { run, queue: { concurency: 5 } });
  // @ts-expect-error not in this release
  step("wrong", { run, queue: { debounce: "10s" } });
  // @ts-expect-error how many is a number
  step("wrong", { run, queue: { concurrency: "5" } });
  // @ts-expect-error how fast is a text
  step("wrong", { run, queue: { rate: 100 } });
  // @ts-expect-error whose it is, is missing
  step("wrong", { run, queue: { per: { concurrency: 1 } } });
  // @ts-expect-error whose it is, is a text
  step("wrong", { run, queue: { per: { key: (call) => call.words, concurrency: 1 } } });
  // @ts-expect-error what it answers is needed at once
  step("wrong", { run, queue: { rate: "5/s", cost: async (call) => call.words } });
  // @ts-expect-error its input has no such field
  step("wrong", { run, queue: { priority: (call) => call.isUrgent } });
  // @ts-expect-error no other order
  step("wrong", { run, queue: { per: { key: (call) => call.customer, order: "loose" } } });
  // @ts-expect-error another step's input
  step("wrong", { run, queue: { rate: "5/s", cost: (lead: { points: number }) => lead.points } });
  // @ts-expect-error another step's input, where the body is given a context too
  step("wrong", { queue: { priority: (lead: { points: number }) => lead.points }, run: (call: Call, ctx) => ctx.node });
  // @ts-expect-error a limit is made by `limit`
  step("wrong", { run, queue: { limit: { name: "openai", concurrency: 5, rate: null } } });
  // @ts-expect-error one limit at most
  step("wrong", { run, queue: { limit: [openai] } });
  // @ts-expect-error no such option of a limit
  limit("wrong", { per: "1/s" });
  // @ts-expect-error a use of the step has the step's queue
  step("fine", { run }).with({ queue: { concurrency: 5 } });
  const shared: Limit = openai;
  use(shared.rate?.burst);
}

export function aBatchIsDrawnWithOneAndAnswersOne(): void {
  const batch = { max: 100, wait: "200ms" } as const;
  const send = step("send", {
    queue: {
      batch,
      rate: "100/s",
      cost: (call: Call) => call.words,
      per: { key: (call: Call) => call.customer, concurrency: 1 },
    },
    async run(calls: Call[], ctx) {
      const given: BatchContext = ctx;
      use(given.signal);
      return calls.map(({ words }, nth) => (words > 9 ? new RangeError("long") : ctx.items[nth]!.key));
    },
    undo: (call, output, ctx) => use([call.words, output?.length, ctx.key]),
  });
  same<string>()(send(call));
  same<string>()(send.as("again").with({ timeout: "1s" })(call));
  use(send.run([{ customer: "kim", words: 1 }]));
  // @ts-expect-error its body takes a list
  use(send.run({ customer: "kim", words: 1 }));
  // @ts-expect-error drawn with one
  send([call]);
  const named = step("named", {
    queue: { batch },
    run: (calls: readonly Call[]) => calls.map(({ customer }) => ({ name: customer, message: "sent" })),
  });
  same<{ name: string; message: string }>()(named(call));
  const at = z.object({ at: z.iso.datetime().transform((text) => new Date(text)) });
  const when = z.date().transform((date) => date.toISOString());
  const remind = step("remind", {
    input: at,
    output: when,
    queue: { batch, per: { key: (given) => given.at.slice(0, 10), concurrency: 1 } },
    run: (inputs, ctx) => inputs.map(({ at }, nth) => (ctx.items[nth]!.attempt > 1 ? new Error("late") : at)),
  });
  same<string>()(remind({ at: "2026-05-01T09:30:00Z" }));
}

export function whatFitsNoBatchDoesNotCompile(): void {
  const batch = { max: 100, wait: "200ms" } as const;
  // @ts-expect-error a list comes, and not one
  step("wrong", { queue: { batch }, run: (call: Call) => [call.words] });
  // @ts-expect-error a list is to be answered
  step("wrong", { queue: { batch }, run: (calls: Call[]) => calls.length });
  // @ts-expect-error its context is of several
  step("wrong", { queue: { batch }, run: (calls: Call[], ctx: StepContext) => calls.map(() => ctx.key) });
  // @ts-expect-error what it answers is no JSON
  step("wrong", { queue: { batch }, run: (calls: Call[]) => calls.map(() => new Map()) });
  // @ts-expect-error a promise for each is no result
  step("wrong", { queue: { batch }, run: (calls: Call[]) => calls.map(async ({ words }) => words) });
  // @ts-expect-error at most once is of one call
  step("wrong", { queue: { batch }, once: true, run: (calls: Call[]) => calls.map(({ words }) => words) });
  // @ts-expect-error how many, and how long
  step("wrong", { queue: { batch: { size: 100 } }, run: (calls: Call[]) => calls.map(({ words }) => words) });
  // @ts-expect-error without a batch it is given one
  use(step("wrong", { queue: {}, run: (calls: Call[]) => calls.map(({ words }) => words) })(call));
}
