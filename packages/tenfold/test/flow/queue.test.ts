/** Queues of steps and shared limits: what they are made of, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limit, RateLimited, step, workflow, type Lifted, type QueueDefinition } from "../../src/flow/index.ts";
import { refuses } from "./refuses.ts";

interface Call {
  readonly customer: string;
  readonly words: number;
}

const run = ({ words }: Call): number => words;
const untyped = step as unknown as (name: string, options: unknown) => { readonly definition: { queue: unknown } };
const untypedLimit = limit as unknown as (name: unknown, options: unknown) => unknown;

function queueOf(queue: unknown): QueueDefinition {
  return untyped("write", { run, queue }).definition.queue as QueueDefinition;
}

test("a step without a queue has none, and a queue of nothing limits nothing", () => {
  assert.ok(!("queue" in untyped("write", { run }).definition));
  assert.ok(!("queue" in untyped("write", { run, queue: undefined }).definition));
  const nothing = {
    concurrency: null,
    rate: null,
    per: null,
    priority: 0,
    cost: null,
    limit: null,
    pool: null,
    expiresMs: null,
    batch: null,
    backlog: null,
  };
  assert.deepEqual(queueOf({}), nothing);
});

test("a queue is frozen, with its rates read and what was not given as null", () => {
  const openai = limit("openai", { rate: "60/min burst 5" });
  const queue = queueOf({
    concurrency: 50,
    rate: "100/s burst 7",
    per: { key: ({ customer }: Call) => customer, rate: "1/h burst 3" },
    priority: -9,
    limit: openai,
    pool: "heavy",
  });
  assert.deepEqual(
    { ...queue, per: { ...queue.per, key: null } },
    {
      concurrency: 50,
      rate: { count: 100, perMs: 1000, burst: 7 },
      per: {
        key: null,
        concurrency: null,
        rate: { count: 1, perMs: 3_600_000, burst: 3 },
        weight: null,
        isStrict: false,
      },
      priority: -9,
      cost: null,
      limit: { name: "openai", concurrency: null, rate: { count: 60, perMs: 60_000, burst: 5 } },
      pool: "heavy",
      expiresMs: null,
      batch: null,
      backlog: null,
    },
  );
  assert.equal(queue.limit, openai);
  assert.ok([queue, queue.per, queue.rate, openai, openai.rate].every(Object.isFrozen));
});

test("a strict order is one of a key at once, said or not", () => {
  const key = ({ customer }: Call): string => customer;
  for (const per of [
    { key, order: "strict" },
    { key, order: "strict", concurrency: 1 },
  ]) {
    const { isStrict, concurrency } = queueOf({ per }).per!;
    assert.deepEqual({ isStrict, concurrency }, { isStrict: true, concurrency: 1 });
  }
  assert.equal(queueOf({ per: { key, weight: () => 1 } }).per!.concurrency, null);
});

test("a queue changes neither the graph of a workflow nor its hash", () => {
  const flow = (queue: unknown): { readonly hash: string } => {
    const write = untyped("write", { run, queue }) as unknown as (call: Lifted<Call>) => Lifted<number>;
    return workflow("texts", { flow: (call: Lifted<Call>) => write(call) });
  };
  const { hash } = flow(undefined);
  assert.equal(flow({}).hash, hash);
  assert.equal(flow({ concurrency: 5, per: { key: () => "a", order: "strict" } }).hash, hash);
});

test("the values of a queue are checked when the step is defined", () => {
  const key = (): string => "kim";
  const wrong: readonly (readonly [object, string, string])[] = [
    [{ concurrency: 0 }, "`queue.concurrency` is 0", "whole number from 1"],
    [{ concurrency: 1.5 }, "`queue.concurrency` is 1.5", "whole number from 1"],
    [{ concurrency: "5" }, '`queue.concurrency` is "5"', "whole number from 1"],
    [{ concurrency: Infinity }, "`queue.concurrency` is Infinity", "whole number from 1"],
    [{ concurrency: null }, "`queue.concurrency` is null", "whole number from 1"],
    [{ per: { concurrency: 1 } }, "`queue.per` has no key", "key: (order)"],
    [{ per: { key: "customer", concurrency: 1 } }, '`queue.per.key` is "customer"', "function of the step's input"],
    [{ per: { key: async () => "a", concurrency: 1 } }, "`queue.per.key` is async", "plain function"],
    [{ per: { key } }, "`queue.per` has a key, and nothing", "weight: () => 1"],
    [{ per: { key, concurrency: 0 } }, "`queue.per.concurrency` is 0", "whole number from 1"],
    [{ per: { key, weight: 2 } }, "`queue.per.weight` is 2", "function"],
    [{ per: { key, weight: async () => 1 } }, "`queue.per.weight` is async", "plain function"],
    [{ per: { key, order: "fifo" } }, '`queue.per.order` is "fifo"', '`order: "strict"`'],
    [{ per: { key, order: "strict", concurrency: 2 } }, '`order: "strict"`, and 2', "one at a time"],
    [{ priority: 10 }, "`queue.priority` is 10", "from -9 to 9"],
    [{ priority: 0.5 }, "`queue.priority` is 0.5", "from -9 to 9"],
    [{ priority: "high" }, '`queue.priority` is "high"', "from -9 to 9"],
    [{ priority: async () => 1 }, "`queue.priority` is async", "plain function"],
    [{ rate: "5/s", cost: 5 }, "`queue.cost` is 5", "function"],
    [{ rate: "5/s", cost: async () => 1 }, "`queue.cost` is async", "plain function"],
    [{ concurrency: 5, cost: () => 1 }, "`queue.cost` is taken of no rate", "rate:"],
    [{ pool: "default" }, '`queue.pool` is "default"', "Leave `pool` out"],
    [{ limit: "openai" }, '`queue.limit` is "openai"', "limit(…)"],
    [{ limit: { name: "openai", rate: "5/s" } }, "`queue.limit` is an object", "limit(…)"],
    [{ limit: [limit("a", { concurrency: 1 })] }, "`queue.limit` is a list", "at most one limit"],
  ];
  for (const [queue, ...parts] of wrong) {
    refuses(() => queueOf(queue), "QUEUE_INVALID", `step "write"`, "not defined", ...parts);
  }
  refuses(() => queueOf(true), "QUEUE_INVALID", `step "write"`, "{ concurrency: … }");
  refuses(() => queueOf(null), "QUEUE_INVALID", `step "write"`);
  refuses(() => queueOf({ per: "customer" }), "QUEUE_INVALID", `step "write"`, "{ key: … }");
});

test("a rate that cannot be read is refused, naming where it stands", () => {
  const key = (): string => "kim";
  for (const rate of ["fast", "0/s", "5/parsec", "", 5, null]) {
    refuses(() => queueOf({ rate }), "RATE_INVALID", `\`queue.rate\` of step "write"`);
    refuses(() => queueOf({ per: { key, rate } }), "RATE_INVALID", `\`queue.per.rate\` of step "write"`);
    refuses(() => untypedLimit("openai", { rate }), "RATE_INVALID", `\`rate\` of limit "openai"`);
  }
});

test("an option of a queue that belongs elsewhere is refused with where, and unknown ones with the nearest", () => {
  refuses(() => queueOf({ debounce: "10s" }), "OPTION_UNSUPPORTED", `step "write"`, "belongs to a workflow");
  refuses(() => queueOf({ concurency: 5 }), "OPTION_UNSUPPORTED", `step "write"`, "Did you mean `concurrency`?");
  refuses(() => queueOf({ per: { keys: 1 } }), "OPTION_UNSUPPORTED", `\`queue.per\` of step "write"`, "`key`");
  refuses(() => untypedLimit("a", { rates: "1/s" }), "OPTION_UNSUPPORTED", `limit "a"`, "Did you mean `rate`?");
});

test("what expires waits in a queue, and for some time", () => {
  const expiring = (expires: unknown, queue?: object) => () => untyped("write", { run, expires, queue });
  assert.equal((expiring("10m", {})().definition.queue as QueueDefinition).expiresMs, 600_000);
  refuses(expiring("10m"), "QUEUE_INVALID", `step "write"`, "`expires`", "`timeout`");
  refuses(() => queueOf({ expires: "10m" }), "QUEUE_INVALID", `step "write"`, "`expires`", "beside the queue");
  refuses(expiring(0, {}), "DURATION_INVALID", `step "write"`, "`expires` is 0");
  refuses(expiring("soon", {}), "DURATION_INVALID", '`expires` of step "write"');
});

test("a backlog has a size, and says what becomes of more", () => {
  assert.deepEqual(queueOf({ maxBacklog: 1 }).backlog, { max: 1, whenFull: "refuse" });
  for (const whenFull of ["refuse", "drop-oldest", "park"]) {
    assert.deepEqual(queueOf({ maxBacklog: 1000, whenFull }).backlog, { max: 1000, whenFull });
  }
  for (const maxBacklog of [0, -1, 1.5, "1000", Infinity, null]) {
    refuses(() => queueOf({ maxBacklog }), "QUEUE_INVALID", `step "write"`, "`queue.maxBacklog` is", "from 1");
  }
  for (const whenFull of ["drop", "drop-newest", 5, null]) {
    refuses(() => queueOf({ maxBacklog: 5, whenFull }), "QUEUE_INVALID", "`queue.whenFull` is", '"drop-oldest"');
  }
  refuses(() => queueOf({ whenFull: "park" }), "QUEUE_INVALID", "no `maxBacklog`", "maxBacklog: 1000");
});

test("a batch has a size and a wait, and promises nothing of one call alone", () => {
  const batch = { max: 100, wait: "200ms" };
  assert.deepEqual(queueOf({ batch }).batch, { max: 100, waitMs: 200 });
  assert.deepEqual(queueOf({ batch: { max: 1, wait: 0 } }).batch, { max: 1, waitMs: 0 });
  for (const max of [0, 1.5, 1001, "100", undefined]) {
    refuses(
      () => queueOf({ batch: { ...batch, max } }),
      "QUEUE_INVALID",
      `step "write"`,
      "`queue.batch.max`",
      "from 1 to 1000",
    );
  }
  refuses(() => queueOf({ batch: { max: 5 } }), "QUEUE_INVALID", "no `wait`");
  refuses(() => queueOf({ batch: { max: 5, wait: "soon" } }), "DURATION_INVALID", '`queue.batch.wait` of step "write"');
  refuses(() => queueOf({ batch: 100 }), "QUEUE_INVALID", "`queue.batch` of step");
  refuses(() => queueOf({ batch: { size: 100 } }), "OPTION_UNSUPPORTED", "`size`");
  const strict = { key: () => "a", order: "strict" };
  refuses(() => queueOf({ batch, per: strict }), "QUEUE_INVALID", 'both a `batch` and `order: "strict"`');
  const promising = (promise: object) => () => untyped("write", { run, queue: { batch }, ...promise });
  refuses(promising({ once: true }), "QUEUE_INVALID", "both `queue.batch` and `once`");
  refuses(promising({ tx: "sqlite" }), "QUEUE_INVALID", "both `queue.batch` and `tx`");
  const threads = "file:///srv/send.ts";
  refuses(promising({ threads }), "QUEUE_INVALID", "both `queue.batch` and `threads`");
});

test("the body of a batched step is tested with a list, each with a context of its own", async () => {
  const send = step("send", {
    queue: { batch: { max: 10, wait: "1s" } },
    run: (words: string[], { items }) =>
      words.map((word, nth) => (word === "" ? new Error("none") : word + items[nth]!.attempt)),
  });
  const answers = await send.run(["a", "", "c"]);
  assert.deepEqual(answers.map(String), ["a1", "Error: none", "c1"]);
});

test("a use of a step has the step's queue, and takes no other", () => {
  const { with: uses } = step("write", { run, queue: { concurrency: 5 } });
  refuses(() => uses({ queue: {} } as never), "OPTION_UNSUPPORTED", `"write"`, "`queue`", "retry, timeout");
});

test("a limit has a name that can stand in an id, and limits something", () => {
  refuses(() => untypedLimit("Open AI", { rate: "1/s" }), "QUEUE_INVALID", "a limit", '"open-ai"');
  refuses(() => untypedLimit("openai", {}), "QUEUE_INVALID", `limit "openai"`, "limits nothing", "rate:");
  refuses(() => untypedLimit("openai", undefined), "QUEUE_INVALID", `limit "openai"`);
  refuses(() => untypedLimit("openai", { concurrency: 0 }), "QUEUE_INVALID", `limit "openai"`, "`concurrency` is 0");
});

test("two different limits of one name are refused in one workflow, and one that is shared is not", () => {
  const drawn = (first: unknown, second: unknown): unknown => {
    const ask = untyped("ask", { run, queue: { limit: first } }) as unknown as (call: unknown) => unknown;
    const tell = untyped("tell", { run, queue: { limit: second } }) as unknown as (call: unknown) => unknown;
    return workflow("texts", { flow: (call: Lifted<Call>) => [ask(call), tell(call)] as never });
  };
  const openai = limit("openai", { rate: "1/s" });
  drawn(openai, openai);
  drawn(openai, limit("anthropic", { rate: "1/s" }));
  refuses(
    () => drawn(openai, limit("openai", { rate: "1/s" })),
    "LIMIT_NAME_TAKEN",
    `"texts"`,
    `"ask" and "tell"`,
    `"openai"`,
    "not defined",
    "in a constant",
  );
});

test("what says to slow down has the time in ms, and none where the other side said none", () => {
  const limited = new RateLimited(1500);
  assert.ok(limited instanceof Error);
  assert.deepEqual(
    { name: limited.name, ms: limited.retryAfterMs, message: new RateLimited(1, "429").message },
    { name: "RateLimited", ms: 1500, message: "429" },
  );
  for (const unknown of [Number.NaN, -1, Infinity, 0]) assert.equal(new RateLimited(unknown).retryAfterMs, 0);
});

test("the queue of a workflow limits its runs, and has no order, cost or limit of its own", () => {
  const untypedWorkflow = workflow as unknown as (
    name: string,
    options: unknown,
  ) => { readonly queue?: QueueDefinition };
  const of = (queue: unknown) => untypedWorkflow("texts", { queue, flow: (call: unknown) => call });
  const key = ({ customer }: Call): string => customer;
  const { queue } = of({ concurrency: 5, rate: "10/s", per: { key, concurrency: 2 }, priority: 3 });
  assert.deepEqual([queue?.concurrency, queue?.rate?.count, queue?.per?.concurrency, queue?.priority], [5, 10, 2, 3]);
  assert.equal(of(undefined).queue, undefined);
  refuses(() => of({ per: { key, order: "strict" } }), "QUEUE_INVALID", `"texts"`, "order", "Leave it out");
  refuses(() => of({ concurrency: 0 }), "QUEUE_INVALID", `"texts"`, "concurrency");
  refuses(() => of({ rate: "fast" }), "RATE_INVALID", "fast");
  for (const option of ["cost", "limit", "pool"]) refuses(() => of({ [option]: 1 }), "OPTION_UNSUPPORTED", option);
});
