/**
 * Every pair of verbs on two connections to Postgres, the first one held before its commit: what both answer, and all
 * that can be read afterwards, is what one of the two orders comes to in the memory store, which is serial.
 * Each two verbs of the port meet in `npm test`, on what a seed draws. All that is here, or a part again, by this file
 * with `--all`, `--seed 7` or `--pair "commit park | send"`.
 */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { isDeepStrictEqual, parseArgs } from "node:util";
import pg from "pg";
import { MemoryStore } from "../../src/store/memory.ts";
import { openPostgres } from "../../src/store/postgres/open.ts";
import { seededRandom } from "../../src/value/random.ts";
import { NOW } from "./sample.ts";
import { Gate, heldStore, type HeldStore, type Hold } from "./held-connection.ts";
import { AT_FIRST, AT_SECOND, aftermath, everything, outcome, VERBS, type Verb } from "./interleaved-verbs.ts";
import { setUp, World } from "./interleaved-world.ts";
import { newSchema, postgresServer } from "./postgres-server.ts";

const TEXT = { type: "string" } as const;
const { values } = parseArgs({ options: { seed: TEXT, pair: TEXT, all: { type: "boolean", default: false } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
/** Pairs that a seed draws of each two kinds of verbs. */
const PER_KINDS = 1;
/** Pairs that have come to what no order comes to: they are played each time. */
const FOUND = [
  "commit park by a | load by a",
  "commit keep by a | commit keep with other lines by a",
  "commit many, one of them not its own by a | commit park by a",
];
const PAIRS = pairsToPlay();
/** Pairs that are played at once, each with handles of its own. */
const PLACES = 4;

/** Two workers' handles of one store, and somebody who looks at the server's locks. */
interface Place {
  readonly first: HeldStore;
  readonly gate: Gate;
  readonly second: HeldStore;
  readonly watcher: pg.Client;
}

let lanes = 0;

/** How far the clock of a place is ahead (ms). */
const clock = new AsyncLocalStorage<{ ahead: number }>();
const elapsed = performance.now.bind(performance);
performance.now = () => elapsed() + (clock.getStore()?.ahead ?? 0);
/** Longer than claims look back to what was served, and long for a read. */
const LONG_MS = 5000;

async function withPlaces(act: (place: Place) => Promise<void>): Promise<void> {
  const schema = newSchema();
  const { url } = await postgresServer();
  lanes = 0;
  await (await openPostgres(url, { schema, lanes: PAIRS.length })).close();
  // Nothing crashes here: what was answered need not be on a disk.
  const quick = `${url}?options=-c%20synchronous_commit%3Doff`;
  const store = (gate: Gate): HeldStore => heldStore(quick, schema, PAIRS.length, gate);
  const open = async (): Promise<void> => {
    const gate = new Gate();
    const [first, second, watcher] = [store(gate), store(new Gate()), new pg.Client({ connectionString: url })];
    await watcher.connect();
    try {
      await clock.run({ ahead: 0 }, act, { first, gate, second, watcher });
    } finally {
      await Promise.all([first.close(), second.close(), watcher.end()]);
    }
  };
  await Promise.all(Array.from({ length: PLACES }, open));
}

/** Of one worker, so that the second comes through the handle that got no answer to the first. */
const OF_ONE = PAIRS.filter(([first, second]) => first.by === "a" && second.by === "a");

for (const [ending, pairs, play] of [
  ["that is held and then committed comes to what one of the two orders does", PAIRS, playCommitted],
  ["that is held between two of its statements comes to what one of the two orders does", PAIRS, playInTwo],
  ["whose connection dies before its commit leaves what the second one does alone", PAIRS, playKilled],
  ["that is answered too late is before or after what its worker then sends", OF_ONE, playAbandoned],
] as const) {
  test(`a verb ${ending}, for ${pairs.length} pairs`, async (t) => {
    const left = [...pairs];
    const wrong: string[] = [];
    let waited = 0;
    await withPlaces(async (place) => {
      for (let pair = left.pop(); pair !== undefined; pair = left.pop()) {
        const { hasWaited, fault } = await play(place, ...pair);
        if (hasWaited) waited++;
        if (fault !== null) wrong.push(`${pair[0].name} | ${pair[1].name}: ${fault}`);
      }
    });
    t.diagnostic(`seed ${seed}; ${waited} of the second verbs waited for the first one's locks`);
    assert.deepEqual(wrong, []);
  });
}

type Pair = readonly [first: Verb, second: Verb];

/** All pairs, those that are named, or of each two kinds of verbs as many as a seed draws. */
function pairsToPlay(): readonly Pair[] {
  const pairs = VERBS.flatMap((first) => VERBS.map((second): Pair => [first, second]));
  if (values.pair !== undefined) {
    const [first = "", second = ""] = values.pair.split("|").map((part) => part.trim());
    return pairs.filter(([one, other]) => one.name.includes(first) && other.name.includes(second));
  }
  if (values.all) return pairs;
  const random = seededRandom(`pairs ${seed}`);
  const nameOf = ([first, second]: Pair): string => `${first.name} | ${second.name}`;
  const found = pairs.filter((pair) => FOUND.includes(nameOf(pair)));
  assert.equal(found.length, FOUND.length);
  const drawn = pairs.map((pair) => ({ pair, place: random() })).toSorted((one, other) => one.place - other.place);
  const kindOf = ({ name }: Verb): string => name.split(" ")[0]!;
  const byKinds = Map.groupBy(drawn, ({ pair: [first, second] }) => `${kindOf(first)} ${kindOf(second)}`);
  const ofKinds = [...byKinds.values()].flatMap((of) => of.slice(0, PER_KINDS).map(({ pair }) => pair));
  return [...new Set([...found, ...ofKinds])];
}

interface Played {
  readonly hasWaited: boolean;
  /** How it differs from what it should come to; null: it does not. */
  readonly fault: string | null;
}

async function playCommitted(place: Place, one: Verb, other: Verb, share = 1): Promise<Played> {
  const { world, answers, hasWaited } = await interleave(place, one, other, (hold) => hold.release(), share);
  const orders = [];
  for (const second of [other, ...(other.without === undefined ? [] : [other.without(one.touches)])]) {
    orders.push(await inOrder(one, second, true), await inOrder(one, second, false));
  }
  return { hasWaited, fault: await compare(place, world, answers, orders) };
}

/** Where it stops differs from pair to pair, and is the same each time. */
function playInTwo(place: Place, one: Verb, other: Verb): Promise<Played> {
  return playCommitted(place, one, other, 0.9 * seededRandom(`${one.name} | ${other.name}`)());
}

async function playKilled(place: Place, one: Verb, other: Verb): Promise<Played> {
  const { world, answers, hasWaited } = await interleave(place, one, other, async (hold, pid) => {
    await place.watcher.query("select pg_terminate_backend($1)", [pid]);
    await hold.release();
  });
  const orders = [];
  for (const second of [other, ...(other.without === undefined ? [] : [other.without(one.touches)])]) {
    orders.push(await alone(second));
  }
  // One that never came to its commit was not killed: it is as good as not there, whatever it answered.
  return { hasWaited, fault: await compare(place, world, [null, answers[1]], orders) };
}

async function playAbandoned(place: Place, one: Verb, other: Verb): Promise<Played> {
  const byOne = { ...place, second: place.first };
  const { world, answers, hasWaited } = await interleave(byOne, one, other, (hold) => hold.release());
  const orders = [await inOrder(one, other, true), await inOrder(one, other, false)];
  const unanswered = orders.map((order) => ({ ...order, answers: [null, order.answers[1]] as const }));
  return { hasWaited, fault: await compare(place, world, [null, answers[1]], unanswered) };
}

async function interleave(
  { first, gate, second, watcher }: Place,
  one: Verb,
  other: Verb,
  end: (hold: Hold, pid: number) => Promise<void>,
  share = 1,
): Promise<{ world: World; answers: [unknown, unknown]; hasWaited: boolean }> {
  const world = new World(lanes++);
  await setUp(world, first, second);
  await readFromServed(world, first, second);
  const hold = gate.arm(share);
  const firstAnswer = outcome(() => one.does(first, world, AT_FIRST));
  const pid = await Promise.race([hold.reached, firstAnswer.then(() => null)]);
  gate.hold = null;
  if (first === second) {
    hold.abandon();
    await firstAnswer;
  }
  const secondAnswer = outcome(() => other.does(second, world, AT_SECOND));
  const hasWaited = pid !== null && (await isBlockedBy(pid, secondAnswer, watcher));
  if (pid !== null) await end(hold, pid);
  return { world, answers: [await firstAnswer, await secondAnswer], hasWaited };
}

/**
 * From now on claims read from what was served, and not all there is: that was done a moment ago, and took so long that
 * it is not done again for a while.
 */
async function readFromServed(world: World, ...stores: readonly HeldStore[]): Promise<void> {
  const own = clock.getStore()!;
  own.ahead += LONG_MS;
  const looks = stores.map((store) => store.look(world.lease("a"), [], NOW));
  own.ahead += LONG_MS;
  await Promise.all(looks);
}

/** Whether somebody waits for locks of this server process before `answer` comes. */
async function isBlockedBy(pid: number, answer: Promise<unknown>, watcher: pg.Client): Promise<boolean> {
  const seen = { answer: false };
  void answer.finally(() => (seen.answer = true));
  while (!seen.answer) {
    const { rowCount } = await watcher.query(
      "select from pg_stat_activity where application_name like 'tenfold %' and $1 = any (pg_blocking_pids(pid))",
      [pid],
    );
    if (rowCount! > 0) return true;
  }
  return false;
}

/** What an order of verbs comes to. */
interface Order {
  readonly model: MemoryStore;
  readonly world: World;
  readonly answers: readonly [unknown, unknown];
}

async function inOrder(one: Verb, other: Verb, isFirst: boolean): Promise<Order> {
  const { model, world } = await newModel();
  const early = isFirst ? await outcome(() => one.does(model, world, AT_FIRST)) : null;
  const second = await outcome(() => other.does(model, world, AT_SECOND));
  const first = isFirst ? early : await outcome(() => one.does(model, world, AT_FIRST));
  return { model, world, answers: [first, second] };
}

async function alone(other: Verb): Promise<Order> {
  const { model, world } = await newModel();
  return { model, world, answers: [null, await outcome(() => other.does(model, world, AT_SECOND))] };
}

async function newModel(): Promise<{ model: MemoryStore; world: World }> {
  const model = new MemoryStore(1);
  const world = new World(0);
  await setUp(world, model, model);
  return { model, world };
}

/** Null: the store is, and goes on, as one of the orders says. */
async function compare(
  { first, second }: Place,
  world: World,
  answers: readonly [unknown, unknown],
  orders: readonly Order[],
): Promise<string | null> {
  const found = { answers, everything: await everything(second, world) };
  const fitting = [];
  const seen: unknown[] = [];
  for (const order of orders) {
    const expected = { answers: order.answers, everything: await everything(order.model, order.world) };
    seen.push(expected);
    if (isDeepStrictEqual(plainOf(found), plainOf(expected))) fitting.push(order);
  }
  if (fitting.length === 0) return `found ${differences(found, seen)}`;
  const lengths = (found.everything as { journals: readonly unknown[][] }).journals.map(({ length }) => length);
  const after = await aftermath(world, first, second, lengths);
  const expected = [];
  for (const { model, world: modelled } of fitting) expected.push(await aftermath(modelled, model, model, lengths));
  const fits = expected.some((each) => isDeepStrictEqual(plainOf(after), plainOf(each)));
  return fits ? null : `afterwards ${differences(after, expected)}`;
}

function plainOf(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

/** For each expectation, the places where what was found is another. */
function differences(found: unknown, expected: readonly unknown[]): string {
  return expected
    .map((each, index) => `[${index}] ${differs("", plainOf(found), plainOf(each)).slice(0, 4).join("; ")}`)
    .join("\n");
}

function differs(path: string, found: unknown, expected: unknown): string[] {
  if (isDeepStrictEqual(found, expected)) return [];
  const areObjects = [found, expected].every((each) => typeof each === "object" && each !== null);
  if (!areObjects) return [`${path}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`];
  const [ours, theirs] = [found as Record<string, unknown>, expected as Record<string, unknown>];
  return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].flatMap((key) =>
    differs(`${path}.${key}`, ours[key], theirs[key]),
  );
}
