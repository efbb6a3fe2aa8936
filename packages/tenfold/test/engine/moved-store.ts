/** A store in which there is one of everything that a move carries, made by the port's verbs, and what it answers. */
import type { ClaimedRun, Due, Lease, RunRecord, Store, Tally } from "../../src/store/store.ts";
import { laneOfRun } from "../../src/value/id.ts";
import { filesOf } from "../store/interleaved-files.ts";
import type { TransactedWork } from "../../src/store/transactions.ts";
import {
  claimAll,
  commitOf,
  COMPLETED,
  FAILED,
  HELD,
  idMaker,
  joined,
  KEEP,
  keyOf,
  lineOf,
  NOW,
  sendOf,
  startOf,
  WORKFLOW,
} from "../store/sample.ts";

const HOUR = 3_600_000;
export const LANES = 2;

/** What was put in by `fill`, by what became of it. */
export type Filled = Readonly<Record<string, string>>;

/** Fills every lane; an owner that nobody hears of any more, of another machine, is left with a run. */
export async function fill(store: Store): Promise<readonly Filled[]> {
  const filled: Filled[] = [];
  for (let lane = 0; lane < LANES; lane++) filled.push(await fillLane(store, lane));
  return filled;
}

async function fillLane(store: Store, lane: number): Promise<Filled> {
  const make = idMaker();
  const id = (at = NOW) => make(at, lane);
  await store.putGraphs(lane, [{ hash: "g1", workflow: WORKFLOW, graph: `{"nodes":["é \\u0000"]}` }]);
  const lease = await joined(store, `gone ${lane}`, lane);
  const runs: Record<string, string> = {};
  const start = async (name: string, differs: Parameters<typeof startOf>[1] = {}, at = NOW): Promise<string> => {
    runs[name] = id(at);
    const [answer] = await store.start(lane, [startOf(runs[name], differs)], at, null);
    if (answer!.kind !== "started") throw new Error(`${name}: ${answer!.kind}`);
    return runs[name];
  };
  const take = async (name: string, differs: Parameters<typeof startOf>[1] = {}, at = NOW): Promise<string> => {
    await start(name, differs, at);
    await claimAll(store, lease, at);
    return runs[name]!;
  };
  await end(store, lease, await take("first", { key: keyOf("ann") }, NOW - 48 * HOUR), COMPLETED);
  await end(store, lease, await take("second", { key: keyOf("ann", { again: true, inputHash: "h2" }) }), FAILED);
  await end(store, lease, await take("held", { tenant: "blue", attributes: [{ name: "city", value: "Köln" }] }), HELD);
  await end(store, lease, await take("failed", { attributes: [{ name: "city", value: `"q", \\` }] }), FAILED);
  await end(store, lease, await take("pruned", { key: keyOf("bob") }), FAILED);
  await store.prune(lane, [runs["pruned"]!], { before: NOW + HOUR, keysForMs: HOUR, linesMax: 9 });
  delete runs["pruned"];
  const parked = await take("parked");
  await store.commit(
    lease,
    [commitOf(parked, { lines: [lineOf("a"), lineOf("b")], then: { kind: "park", wakeAt: NOW + HOUR } })],
    NOW,
  );
  const mailed = await take("mailed");
  await store.commit(lease, [commitOf(mailed, { then: { kind: "park", wakeAt: NOW + HOUR } })], NOW);
  for (const key of ["z", "a", "m"]) await store.send(lane, [sendOf(mailed, key)], NOW + 1);
  const owned = await take("owned");
  const part = { run: owned, node: "render", about: `{"name":"é \\"1\\""}`, removes: [], isLast: false };
  const bytes = (seq: number): Uint8Array => Uint8Array.from({ length: 256 * seq }, (_, at) => (at + seq) % 256);
  const parts = [0, 1, 2].map((seq) => ({ ...part, file: "f-whole", seq, bytes: bytes(seq), isLast: seq === 2 }));
  await store.files.write(lease, [...parts, { ...part, file: "f-begun", seq: 0, bytes: bytes(1) }], NOW);
  await store.files.write(lease, [{ ...part, file: "f-gone", seq: 0, bytes: bytes(1) }], NOW);
  await store.files.remove(lease, [{ run: owned, file: "f-gone" }]);
  const parcels = [sendOf(parked, "é 1"), sendOf(parked, "2")];
  await store.commit(lease, [commitOf(owned, { lines: [lineOf("c")], then: KEEP, parcels })], NOW);
  await store.post.deliver(lane, [{ from: runs["owned"]!, send: sendOf("nobody", "known") }], NOW);
  await store.schedules.advance(lane, [
    { workflow: "é", schedule: "nightly", from: null, to: { at: NOW, run: null } },
    { workflow: "report", schedule: "default", from: null, to: { at: NOW + 1, run: parked } },
  ]);
  const spec = '{"format":1,"where":null,"input":null}';
  await store.events.subscribe(lane, [
    { from: null, to: { event: "é", workflow: "report", version: "v2", spec, former: ["v1"], at: NOW } },
    { from: null, to: { event: "lost", workflow: "report", version: "v3", spec: null, former: [], at: NOW + 1 } },
  ]);
  const to = ["waits", "started", "refused"].map((workflow) => ({
    workflow,
    input: `"${workflow}"`,
    startAt: NOW + 9,
  }));
  const event = { event: "é", tenant: "blue", id: '"1", \\' };
  await store.events.emit(
    lane,
    [
      { ...event, emission: "e1", to },
      { ...event, id: "2", emission: "e2", to: [] },
    ],
    NOW,
  );
  await store.events.settle(lane, [
    { ...event, workflow: "started", then: { kind: "started", run: parked } },
    { ...event, workflow: "refused", then: { kind: "refused", error: '{"code":"é"}' } },
  ]);
  await store.queues.own(lease, ["score", "send"]);
  await store.queues.keepBuckets(lease, "score", [{ scope: `"é`, tat: NOW + 0.5, at: NOW }], []);
  await store.queues.setStats(lease, "score", `{"é":"\\"1"}`);
  await store.queues.setSettings(lane, "mail", `{"rate":"5/s"}`);
  const place = { queue: "score", rank: NOW - 60_000, node: "score", cost: 0.25, weight: 3 };
  const places = [
    { ...place, key: "é", isNew: true },
    { ...place, key: `"1", \\`, isNew: false },
  ];
  const waits = await take("waits in a queue");
  await store.commit(lease, [commitOf(waits, { then: { kind: "park", wakeAt: NOW + HOUR }, places })], NOW);
  for (const output of [null, `"é"`]) await store.transactions.transact(lease, keeping(parked, output));
  await start("later", { at: NOW + 2 * HOUR });
  for (const [index, tenant] of ["", "", "", "red", "red", "blue"].entries()) await start(`waits ${index}`, { tenant });
  return runs;
}

/** A work whose result is this, and that writes nothing. */
function keeping(run: string, output: string | null): TransactedWork {
  const body = () => ({ attempt: 2, output, at: NOW });
  return { run, key: `${run}/${output}`, signal: new AbortController().signal, body };
}

async function end(store: Store, lease: Lease, run: string, then: typeof COMPLETED): Promise<void> {
  await store.commit(lease, [commitOf(run, { lines: [lineOf("x")], then })], NOW + 5);
}

export interface Answers {
  readonly runs: readonly RunRecord[];
  readonly journals: readonly unknown[];
  readonly found: readonly string[];
  readonly tallies: readonly (readonly Tally[])[];
  readonly due: readonly Due[];
  readonly claimed: readonly (readonly ClaimedRun[])[];
  readonly keys: readonly unknown[];
  readonly graph: unknown;
  readonly post: readonly unknown[];
  readonly schedules: readonly unknown[];
  readonly files: readonly unknown[];
  readonly events: readonly unknown[];
  readonly results: readonly unknown[];
  readonly queues: readonly unknown[];
}

/** What the store answers to all that can be asked, in the end by somebody who takes and starts what there is. */
export async function answersOf(store: Store): Promise<Answers> {
  const lanes = Array.from({ length: LANES }, (_, lane) => lane);
  const each = async <T>(ask: (lane: number) => Promise<T>): Promise<T[]> => {
    const answers: T[] = [];
    for (const lane of lanes) answers.push(await ask(lane));
    return answers;
  };
  const page = { before: null, limit: 1000 };
  const runs = (await each((lane) => store.list(lane, {}, page))).flat();
  const inOrder = (tallies: readonly Tally[]): Tally[] =>
    [...tallies].sort((a, b) => (`${a.workflow} ${a.status}` < `${b.workflow} ${b.status}` ? -1 : 1));
  const spans = [[null, null] as const, [NOW - 24 * HOUR, null] as const, [NOW - 72 * HOUR, NOW - 1] as const];
  return {
    runs,
    journals: await Promise.all(runs.map(({ id }) => store.journal(id.endsWith("1") ? 1 : 0, id))),
    found: (await each((lane) => store.list(lane, { attribute: { name: "city", value: `"q", \\` } }, page)))
      .flat()
      .map(({ id }) => id),
    tallies: (
      await each(async (lane) => Promise.all(spans.map(async ([from, until]) => store.tallies(lane, from, until))))
    )
      .flat()
      .map(inOrder),
    post: await each(async (lane) => [
      await store.post.outgoing(lane, null, 100),
      await store.post.received(lane, NOW + HOUR, 100),
    ]),
    schedules: await each(async (lane) =>
      store.schedules.reached(lane, [
        { workflow: "é", schedule: "nightly" },
        { workflow: "report", schedule: "default" },
        { workflow: "report", schedule: "nightly" },
      ]),
    ),
    files: await each(async (lane) => {
      const ids = runs.map(({ id }) => id).filter((id) => laneOfRun(id) === lane);
      const before = await filesOf(store, lane, ids);
      return [before, await store.files.sweep(lane, 100), await filesOf(store, lane, ids)];
    }),
    events: await each(async (lane) => {
      const { events } = store;
      const names = ['"1", \\', "2", "3"].map((id) => ({ event: "é", tenant: "blue", id }));
      return [
        await events.subscriptions(lane, null),
        await events.emitted(lane, names),
        await events.emit(
          lane,
          [
            { ...names[1]!, emission: "e2", to: [] },
            { ...names[0]!, emission: "x", to: [] },
          ],
          NOW,
        ),
        await events.redeliver(lane, [{ ...names[0]!, workflow: "refused" }], NOW + 3),
        await events.take(lane, ["waits", "refused", "started"], NOW + 3, NOW + 9, 9),
      ];
    }),
    results: await each(async (lane) => {
      const lease = await joined(store, `asks ${lane}`, lane);
      const asked = runs.flatMap(({ id }) => [null, `"é"`].map((output) => keeping(id, output)));
      const answers = [];
      for (const work of asked) answers.push(await store.transactions.transact(lease, { ...work, body: () => null }));
      return answers;
    }),
    queues: await each(async (lane) => {
      const { queues } = store;
      const lease = await joined(store, `dispatches ${lane}`, lane);
      const places = await queues.firsts(lane, "score", null, 9);
      return [
        (await queues.list(lane)).map(({ owner: _owner, ...listed }) => listed),
        await queues.own(lease, ["score", "mail", "send", "new"]),
        places,
        await queues.arrivals(lease, "score", 9),
        await queues.call(lease, [WORKFLOW], places.slice(0, 1)),
        await queues.firsts(lane, "score", null, 9),
      ];
    }),
    keys: await each(async (lane) => {
      await store.forgetKeys(lane, NOW + HOUR, 9);
      const make = idMaker();
      const asked = [
        keyOf("ann"),
        keyOf("ann", { inputHash: "h2" }),
        keyOf("ann", { again: true, inputHash: "h3" }),
        keyOf("bob"),
      ];
      return store.start(
        lane,
        asked.map((key) => startOf(make(NOW + HOUR, lane), { key })),
        NOW + HOUR,
        null,
      );
    }),
    due: await each(async (lane) => store.look(await joined(store, `looks ${lane}`, lane), [WORKFLOW], NOW + 10_000)),
    claimed: await each(async (lane) => {
      const lease = await joined(store, `next ${lane}`, lane);
      const some = await store.claim(lease, [WORKFLOW], NOW + 10_000, 3, 1e9);
      const later = await store.claim(lease, [WORKFLOW], NOW + 3 * HOUR, 1000, 1e9);
      return [...some, ...later];
    }),
    graph: await store.graph(0, "g1"),
  };
}
