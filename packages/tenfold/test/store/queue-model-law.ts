/** Random verbs of queues by three owners: every answer, and all that can be read afterwards, is that of the memory store. */
import fc from "fast-check";
import type { NewPlace, Place } from "../../src/store/queues.ts";
import type { Store } from "../../src/store/store.ts";
import { HOLDER, named, RUNS, verbsLaw, type Verb, type World } from "./random-verbs.ts";
import { commitOf, COMPLETED, leaseOf, lineOf, NOW, sendOf, startOf, type OpenStore } from "./sample.ts";

const WORKFLOWS = ["w1", "w2"];
const QUEUES = ["q", "Q", "q-1"];

export function queueModelLaw(open: OpenStore, sequences: number): void {
  verbsLaw(open, { verbs: "verbs of queues", verb: anyVerb(), sequences, prepare, everything });
}

/** Three owners have joined, and the first has every run. */
async function prepare(store: Store, { ids }: World): Promise<void> {
  for (const name of ["a", "b", "c"]) await store.join(leaseOf(name), HOLDER);
  const starts = ids.map((id, nth) => startOf(id, { workflow: WORKFLOWS[nth % 2]! }));
  await store.start(0, starts, NOW, leaseOf("a"));
}

const owner = fc.constantFrom("a", "b", "c", "d");
const run = fc.nat(RUNS - 1);
const queue = fc.constantFrom(...QUEUES);
const queues = fc.array(queue, { maxLength: 4 });
const limit = fc.integer({ min: 1, max: 4 });
const place = fc.record({
  queue,
  key: fc.constantFrom("", "k", "K", "k1"),
  rank: fc.constantFrom(-1, 0, 7, NOW),
  node: fc.constantFrom("n", "n/1"),
});

function anyVerb(): fc.Arbitrary<Verb> {
  const of = (weight: number, arbitrary: fc.Arbitrary<Verb>) => ({ weight, arbitrary });
  return fc.oneof(
    of(8, anyPark()),
    of(5, anyCall()),
    of(3, fc.record({ by: owner, queue, limit }).map((asked) => shown("arrivals", asked, (store) => store.queues.arrivals(leaseOf(asked.by), asked.queue, asked.limit)))), // prettier-ignore
    of(3, fc.record({ by: owner, queues }).map((asked) => shown("own", asked, (store) => store.queues.own(leaseOf(asked.by), asked.queues)))), // prettier-ignore
    of(2, fc.record({ by: owner, queues }).map((asked) => shown("release", asked, (store) => store.queues.release(leaseOf(asked.by), asked.queues)))), // prettier-ignore
    of(2, anyBuckets()),
    of(2, anyWord()),
    of(2, anyReading()),
    of(1, fc.record({ by: owner, leaves: fc.boolean() }).map((asked) => shown("take over", asked, (store, { now }) => store.takeOver(0, asked.by, null, now, asked.leaves)))), // prettier-ignore
    of(2, owner.map((by) => shown("claim", { by }, (store, { now }) => store.claim(leaseOf(by), WORKFLOWS, now, 2, 1e9)))), // prettier-ignore
    of(1, run.map((nth) => shown("send", { nth }, (store, { ids, now }) => store.send(0, [sendOf(ids[nth]!, `m${now}`)], now)))), // prettier-ignore
  );
}

/** Mostly of its owner's, with what that has seen; one in ten ends the run. */
function anyPark(): fc.Arbitrary<Verb> {
  const written = fc.record({
    at: place,
    cost: fc.constantFrom(0.5, 1),
    weight: fc.constantFrom(1, 2),
    isNew: fc.boolean(),
  });
  const places = fc.uniqueArray(written, { maxLength: 3, selector: (one) => JSON.stringify(one.at) });
  return fc.record({ by: owner, run, places, hasLine: fc.boolean(), later: fc.nat(30), end: fc.nat(9) }).map((asked) =>
    shown("park", asked, async (store, { ids, keyOf, model, now }) => {
      const id = ids[asked.run]!;
      const [loaded] = await model.load(leaseOf(asked.by), [id]).catch(() => []);
      const of = asked.places.map(({ at, ...rest }): NewPlace => ({ ...at, ...rest, key: keyOf(at.key) }));
      const commit = commitOf(id, {
        from: loaded?.journal.length ?? 0,
        lines: asked.hasLine ? [lineOf("x")] : [],
        absorbed: loaded?.mail.messages.map(({ key }) => key) ?? [],
        mailSeen: loaded?.mail.count ?? 0,
        places: of,
        then: asked.end === 0 ? COMPLETED : { kind: "park", wakeAt: now + asked.later },
      });
      return store.commit(leaseOf(asked.by), [commit], now);
    }),
  );
}

/** Some that are there, and one that may not be. */
function anyCall(): fc.Arbitrary<Verb> {
  const any = fc.record({ at: place, run });
  return fc.record({ by: owner, queue, any, most: fc.nat(4), workflows: fc.subarray(WORKFLOWS) }).map((asked) =>
    shown("call", asked, async (store, { ids, keyOf, model }) => {
      const there = (await placesOf(model, asked.queue)).slice(0, asked.most);
      const { at, run: nth } = asked.any;
      const other = { ...at, key: keyOf(at.key), run: ids[nth]!, cost: 1, weight: 1 };
      return store.queues.call(leaseOf(asked.by), asked.workflows, [...there, other]);
    }),
  );
}

function anyBuckets(): fc.Arbitrary<Verb> {
  const bucket = fc.record({ scope: fc.constantFrom("", "k", "l"), tat: fc.constantFrom(0, 1.25), at: fc.nat(9) });
  return fc
    .record({ by: owner, queue, buckets: fc.array(bucket, { maxLength: 3 }), gone: fc.subarray(["", "k", "l"]) })
    .map((asked) =>
      shown("keep buckets", asked, (store) => {
        const gone = asked.gone.filter((scope) => asked.buckets.every((kept) => kept.scope !== scope));
        return store.queues.keepBuckets(leaseOf(asked.by), asked.queue, asked.buckets, gone);
      }),
    );
}

function anyWord(): fc.Arbitrary<Verb> {
  const settings = fc
    .record({ queue, settings: fc.constantFrom(null, "{}", `{"a":1}`) })
    .map((asked) => shown("set", asked, (store) => store.queues.setSettings(0, asked.queue, asked.settings)));
  const stats = fc
    .record({ by: owner, queue, stats: fc.constantFrom("1", "2") })
    .map((asked) => shown("say", asked, (store) => store.queues.setStats(leaseOf(asked.by), asked.queue, asked.stats)));
  return fc.oneof(settings, stats);
}

function anyReading(): fc.Arbitrary<Verb> {
  const firsts = fc
    .record({ queue, after: fc.option(fc.constantFrom("", "k", "l")), limit })
    .map((asked) =>
      shown("firsts", asked, (store, { keyOf }) =>
        store.queues.firsts(0, asked.queue, asked.after === null ? null : keyOf(asked.after), asked.limit),
      ),
    );
  const behind = fc.record({ at: place, run, limit }).map((asked) =>
    shown("behind", asked, (store, { ids, keyOf }) => {
      const { queue: of, key, ...rest } = asked.at;
      const after = { ...rest, queue: of, key: keyOf(key), run: ids[asked.run]!, cost: 1, weight: 1 };
      return store.queues.behind(0, of, after, asked.limit);
    }),
  );
  const counted = fc
    .record({ queue, workflow: fc.constantFrom(...WORKFLOWS, "none"), limit })
    .map((asked) =>
      shown("count", asked, async ({ queues: of }) => [
        await of.count(0, asked.queue, asked.limit),
        await of.unbegun(0, asked.workflow, asked.limit),
      ]),
    );
  return fc.oneof(firsts, behind, counted);
}

/** All places of a queue. */
async function placesOf({ queues: asked }: Store, of: string): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const first of await asked.firsts(0, of, null, 99))
    places.push(first, ...(await asked.behind(0, of, first, 99)));
  return places;
}

async function everything(store: Store, { ids }: World): Promise<unknown> {
  return {
    listed: await store.queues.list(0),
    places: await Promise.all(QUEUES.map((of) => placesOf(store, of))),
    owned: await store.join(leaseOf("e"), HOLDER).then(() => store.queues.own(leaseOf("e"), QUEUES)),
    arrived: await Promise.all(QUEUES.map((of) => store.queues.arrivals(leaseOf("e"), of, 99))),
    runs: await store.read(0, ids),
  };
}

/** A verb that a failing sequence prints with what it asks. */
function shown(text: string, asked: object, verb: Verb): Verb {
  return named(`${text} ${JSON.stringify(asked)}`, verb);
}
