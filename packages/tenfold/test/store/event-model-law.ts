/** Random verbs of events and schedules: every answer, and all that can be read afterwards, is that of the memory store. */
import fc from "fast-check";
import type { DeliveryName, EventName, Settled } from "../../src/store/events.ts";
import type { Store } from "../../src/store/store.ts";
import { named, verbsLaw, type Verb } from "./random-verbs.ts";
import { NOW, type OpenStore } from "./sample.ts";

const WORKFLOWS = ["b", "a", "w-1"];
const SCHEDULES = ["s1", "s2"].map((schedule) => ({ workflow: "a", schedule }));
const NAMES: readonly EventName[] = ["e", "E"].flatMap((event) =>
  ["", "t"].flatMap((tenant) => ["1", "10", "2"].map((id) => ({ event, tenant, id }))),
);

export function eventModelLaw(open: OpenStore, sequences: number): void {
  verbsLaw(open, { verbs: "verbs of events and schedules", verb: anyVerb(), sequences, everything });
}

const name = fc.constantFrom(...NAMES);
const workflow = fc.constantFrom(...WORKFLOWS);
const workflows = fc.shuffledSubarray(WORKFLOWS);
const delivery = fc.record({ name, workflow }).map((of): DeliveryName => ({ ...of.name, workflow: of.workflow }));
/** Each once in a batch. */
const deliveries = fc.uniqueArray(delivery, { maxLength: 6, selector: (of) => JSON.stringify(of) });
/** From where it stands, or from where it does not. */
const isStale = fc.nat(3).map((chance) => chance === 0);

function anyVerb(): fc.Arbitrary<Verb> {
  return fc.oneof(
    { weight: 4, arbitrary: anyEmit() },
    { weight: 4, arbitrary: anyTake() },
    { weight: 5, arbitrary: anySettle() },
    { weight: 2, arbitrary: deliveries.map((names) => named(`redeliver ${JSON.stringify(names)}`, ({ events }, { now }) => events.redeliver(0, names, now))) }, // prettier-ignore
    { weight: 1, arbitrary: anyForget() },
    { weight: 2, arbitrary: anySubscribe() },
    { weight: 2, arbitrary: anyAdvance() },
  );
}

/** Whom an emission is for: the same whenever it is sent again. */
const EMISSIONS: Readonly<Record<string, readonly string[]>> = { x: ["b", "a"], y: ["w-1"], z: [] };

function anyEmit(): fc.Arbitrary<Verb> {
  const event = fc.record({ name, emission: fc.constantFrom(...Object.keys(EMISSIONS)) });
  return fc.array(event, { maxLength: 4 }).map((batch) =>
    named(`emit ${JSON.stringify(batch)}`, ({ events }, { now }) => {
      const emitted = batch.map(({ name: of, emission }) => {
        const startAt = emission === "x" ? null : NOW + 5;
        const to = EMISSIONS[emission]!.map((each) => ({ workflow: each, input: `"${emission} ${each}"`, startAt }));
        return { ...of, emission, to };
      });
      return events.emit(0, emitted, now);
    }),
  );
}

function anyTake(): fc.Arbitrary<Verb> {
  return fc.record({ of: workflows, later: fc.nat(12), limit: fc.integer({ min: 1, max: 4 }) }).map(
    ({ of, later, limit }) => // prettier-ignore
    named(`take ${of.join()} for ${later}, ${limit} each`, ({ events }, { now }) => events.take(0, of, now, now + later, limit)), // prettier-ignore
  );
}

function anySettle(): fc.Arbitrary<Verb> {
  return fc.record({ names: deliveries, isStarted: fc.boolean() }).map(({ names, isStarted }) =>
    named(`settle ${JSON.stringify(names)} ${isStarted ? "started" : "refused"}`, ({ events }) => {
      const then: Settled["then"] = isStarted ? { kind: "started", run: "r" } : { kind: "refused", error: '{"no":1}' };
      return events.settle(0, names.map((of) => ({ ...of, then }))); // prettier-ignore
    }),
  );
}

function anyForget(): fc.Arbitrary<Verb> {
  return fc
    .record({ before: fc.nat(50), limit: fc.nat(3) })
    .map(({ before, limit }) =>
      named(`forget ${limit} before ${before}`, ({ events }) => events.forgetEvents(0, NOW + before, limit)),
    );
}

function anySubscribe(): fc.Arbitrary<Verb> {
  const said = fc.record({ event: fc.constantFrom("e", "E"), workflow, version: fc.constantFrom("v1", "v2"), isStale });
  return fc.uniqueArray(said, { maxLength: 3, selector: (one) => `${one.event} ${one.workflow}` }).map((batch) =>
    named(`subscribe ${JSON.stringify(batch)}`, async ({ events }, { now }) => {
      const standing = await events.subscriptions(0, null);
      const changes = batch.map(({ isStale: stale, ...to }) => {
        const stands = standing.find((one) => one.event === to.event && one.workflow === to.workflow);
        const from = stale ? { version: to.version, at: 1 } : (stands ?? null);
        return { from, to: { ...to, spec: to.version === "v1" ? "{}" : null, former: ["v0"], at: now } };
      });
      return events.subscribe(0, changes);
    }),
  );
}

function anyAdvance(): fc.Arbitrary<Verb> {
  const step = fc.record({ of: fc.constantFrom(...SCHEDULES), run: fc.option(fc.constantFrom("r1", "r2")), isStale });
  return fc.uniqueArray(step, { maxLength: 2, selector: ({ of }) => of.schedule }).map((batch) =>
    named(`advance ${JSON.stringify(batch)}`, async ({ schedules }, { now }) => {
      const reached = await schedules.reached(0, batch.map(({ of }) => of)); // prettier-ignore
      const steps = batch.map(({ of, run, isStale: stale }, nth) => {
        return { ...of, from: stale ? { at: 1, run } : reached[nth]!, to: { at: now, run } };
      });
      return schedules.advance(0, steps);
    }),
  );
}

async function everything({ events, schedules }: Store): Promise<unknown> {
  return {
    subscriptions: await events.subscriptions(0, null),
    emitted: await events.emitted(0, NAMES),
    waiting: await events.deliveries(0, "waiting", null, 99),
    refused: await events.deliveries(0, "refused", null, 99),
    behind: await events.deliveries(0, "refused", { ...NAMES[4]!, workflow: "a" }, 2),
    taken: await events.take(0, WORKFLOWS, NOW + 1000, NOW + 2000, 99),
    reached: await schedules.reached(0, SCHEDULES),
  };
}
