/** Random verbs by three owners: every answer, and all that can be read afterwards, is that of the memory store. */
import fc from "fast-check";
import type { RunCommit, RunStatus, Store, Then } from "../../src/store/store.ts";
import { HOLDER, named, RUNS, verbsLaw, type Verb, type World } from "./random-verbs.ts";
import { leaseOf, lineOf, NOW, sendOf, startOf, type OpenStore } from "./sample.ts";

const WORKFLOWS = ["w1", "w2"];

export function modelLaw(open: OpenStore, sequences: number): void {
  verbsLaw(open, { verbs: "sequences of verbs", verb: anyVerb(), sequences, prepare, everything });
}

async function prepare(store: Store): Promise<void> {
  for (const name of ["a", "b", "c"]) await store.join(leaseOf(name), HOLDER);
}

const owner = fc.constantFrom("a", "b", "c", "d");
const place = fc.nat(RUNS - 1);
const lines = fc.array(fc.constantFrom("x", "y").map(lineOf), { maxLength: 2 });

function anyVerb(): fc.Arbitrary<Verb> {
  return fc.oneof(
    { weight: 1, arbitrary: owner.map((name) => named(`join ${name}`, (store) => store.join(leaseOf(name), HOLDER))) },
    { weight: 3, arbitrary: anyStart() },
    { weight: 4, arbitrary: anyClaim() },
    { weight: 8, arbitrary: anyCommit() },
    { weight: 4, arbitrary: anySend() },
    { weight: 1, arbitrary: anyTakeover() },
    { weight: 2, arbitrary: anyPruning() },
    {
      weight: 2,
      arbitrary: owner.map((name) => named(`look ${name}`, (store, { ids, now }) => look(store, name, ids, now))),
    },
  );
}

function anyStart(): fc.Arbitrary<Verb> {
  const key = fc.record(
    {
      key: fc.constantFrom("k1", "k2"),
      inputHash: fc.constantFrom("h1", "h2"),
      again: fc.boolean(),
      debounce: fc.record({ maxMs: fc.nat(60) }),
    },
    { requiredKeys: ["key", "inputHash", "again"] },
  );
  const start = fc.record({
    place,
    workflow: fc.constantFrom(...WORKFLOWS),
    tenant: fc.constantFrom("", "t1"),
    key: fc.option(key),
    later: fc.option(fc.nat(30)),
    graph: fc.constantFrom("g1", "g2"),
    attributes: fc.array(fc.record({ name: fc.constant("region"), value: fc.constantFrom("eu", "us") }), {
      maxLength: 2,
    }),
  });
  return fc.record({ starts: fc.array(start, { maxLength: 4 }), by: fc.option(owner) }).map(({ starts, by }) =>
    named(`start ${JSON.stringify(starts)} by ${by}`, (store, { ids, now }) => {
      const batch = starts.map(({ place, later, ...rest }) =>
        startOf(ids[place]!, { ...rest, at: later === null ? null : now + later - 5 }),
      );
      return store.start(0, batch, now, by === null ? null : leaseOf(by));
    }),
  );
}

function anyClaim(): fc.Arbitrary<Verb> {
  const workflows = fc.subarray(WORKFLOWS, { minLength: 1 });
  return fc
    .record({ by: owner, workflows, runs: fc.nat(4), bytes: fc.constantFrom(0, 40, 1e6) })
    .map((claim) =>
      named(`claim ${JSON.stringify(claim)}`, (store, { now }) =>
        store.claim(leaseOf(claim.by), claim.workflows, now, claim.runs, claim.bytes),
      ),
    );
}

function anyCommit(): fc.Arbitrary<Verb> {
  const end = fc
    .constantFrom<RunStatus>("completed", "failed", "cancelled", "held")
    .map((status): Then => ({ kind: "end", status, output: null, error: "e" }));
  const park = fc.nat(20).map((later): Then => ({ kind: "park", wakeAt: NOW + later }));
  const then = fc.oneof({ weight: 3, arbitrary: fc.constant<Then>({ kind: "keep" }) }, park, end);
  const off = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: -2, max: 2 }));
  const absorbed = fc.subarray(["m1", "m2"]);
  const fact = fc.record({ name: fc.constantFrom("region", "asked"), value: fc.option(fc.constantFrom("eu", "us")) });
  const facts = fc.uniqueArray(fact, { maxLength: 2, selector: ({ name }) => name });
  const graph = fc.option(fc.constantFrom("g2", "g3"), { nil: undefined });
  const commit = fc.record({
    place,
    lines,
    off,
    mailOff: off,
    absorbed,
    clearsDeaths: fc.boolean(),
    facts,
    graph,
    then,
  });
  return fc.record({ by: owner, batch: fc.array(commit, { maxLength: 4 }) }).map(({ by, batch }) =>
    named(`commit ${JSON.stringify(batch)} by ${by}`, async (store, { ids, now, model }) => {
      // What the driver would know comes from the model, so that the store is asked for nothing beside the commit.
      const commits: RunCommit[] = [];
      for (const { place, off, mailOff, ...rest } of batch) {
        const run = ids[place]!;
        const from = Math.max(0, (await model.journal(0, run)).length + off);
        const [loaded] = await model.load(leaseOf(by), [run]).catch(() => []);
        commits.push({ ...rest, run, from, mailSeen: Math.max(0, (loaded?.mail.count ?? 0) + mailOff) });
      }
      return store.commit(leaseOf(by), commits, now);
    }),
  );
}

function anySend(): fc.Arbitrary<Verb> {
  const send = fc.record({ place, key: fc.constantFrom("m1", "m2"), reopens: fc.boolean() });
  return fc.array(send, { maxLength: 3 }).map((sends) =>
    named(`send ${JSON.stringify(sends)}`, (store, { ids, now }) =>
      store.send(
        0,
        sends.map(({ place, key, reopens }) => sendOf(ids[place]!, key, { reopens })),
        now,
      ),
    ),
  );
}

function anyTakeover(): fc.Arbitrary<Verb> {
  return fc
    .record({ from: owner, beat: fc.option(fc.nat(1)), leaves: fc.boolean() })
    .map(({ from, beat, leaves }) =>
      named(`takeOver ${from} at ${beat}${leaves ? ", which leaves" : ""}`, (store, { now }) =>
        store.takeOver(0, from, beat, now, leaves),
      ),
    );
}

function anyPruning(): fc.Arbitrary<Verb> {
  const pruning = fc.record({
    places: fc.array(place, { maxLength: 6 }),
    ago: fc.nat(20),
    keysForMs: fc.nat(20),
    linesMax: fc.nat(4),
  });
  const forgetting = fc
    .nat(3)
    .map((limit) => named(`forget ${limit} keys`, (store, { now }) => store.forgetKeys(0, now, limit)));
  return fc.oneof(
    forgetting,
    pruning.map(({ places, ago, ...rest }) =>
      named(`prune ${JSON.stringify({ places, ago, ...rest })}`, (store, { ids, now }) =>
        store.prune(
          0,
          places.map((nth) => ids[nth]!),
          { before: now + 1 - ago, ...rest },
        ),
      ),
    ),
  );
}

/** What an owner sees of its own, in an order of its own. */
async function look(store: Store, name: string, ids: readonly string[], now: number): Promise<unknown> {
  const lease = leaseOf(name);
  const leases = await store.renew(lease);
  const mail = [...(await store.mail(lease, now))].sort((a, b) => (a.run < b.run ? -1 : 1));
  const owned = [...(await store.owned(lease))].sort();
  return { leases, mail, owned, loaded: await store.load(lease, ids), due: await store.look(lease, WORKFLOWS, now) };
}

async function everything(store: Store, { ids }: World): Promise<unknown> {
  const journals = await Promise.all(ids.map((id) => store.journal(0, id)));
  const tallies = [...(await store.tallies(0, null, null))].map((tally) => JSON.stringify(tally)).sort();
  const listed = [];
  for (const name of ["region", "asked"])
    listed.push(await store.list(0, { attribute: { name, value: "eu" } }, { before: null, limit: RUNS }));
  return { runs: await store.read(0, ids), journals, tallies, listed };
}
