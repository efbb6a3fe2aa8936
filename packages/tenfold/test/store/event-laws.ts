/** What the store promises of events: each is taken in once, and each of its deliveries is settled once. */
import assert from "node:assert/strict";
import type { DeliveryName, EmittedEvent, Settled, Subscribe, Subscription } from "../../src/store/events.ts";
import { idMaker, keyOf, law, NOW, startOf, type OpenStore } from "./sample.ts";

const LEAD = { event: "lead.created", tenant: "", id: "1" };
const UNTIL = NOW + 1000;

const subscription = (differs: Partial<Subscription> = {}): Subscription => {
  return { event: "lead.created", workflow: "welcome", version: "v1", spec: "{}", former: [], at: NOW, ...differs };
};

const subscribe = (from: readonly [string, number] | null, to: Partial<Subscription> = {}): Subscribe => {
  return { from: from === null ? null : { version: from[0], at: from[1] }, to: subscription(to) };
};

const emitted = (differs: Partial<EmittedEvent> = {}, ...workflows: readonly string[]): EmittedEvent => {
  const to = workflows.map((workflow) => ({ workflow, input: `{"for":"${workflow}, \\"é\\""}`, startAt: null }));
  return { ...LEAD, emission: `e${differs.id ?? 1}`, to, ...differs };
};

const named = (workflow: string, differs: Partial<DeliveryName> = {}): DeliveryName => ({
  ...LEAD,
  workflow,
  ...differs,
});

const started = (workflow: string, run: string, differs: Partial<DeliveryName> = {}): Settled => {
  return { ...named(workflow, differs), then: { kind: "started", run } };
};

const refused = (workflow: string, differs: Partial<DeliveryName> = {}): Settled => {
  return { ...named(workflow, differs), then: { kind: "refused", error: '{"code":"X"}' } };
};

const ids = (deliveries: readonly DeliveryName[]): string[] =>
  deliveries.map(({ workflow, id }) => `${workflow} ${id}`);

export function eventLaws(open: OpenStore): void {
  law(open, "a subscription is put in the place of the one that stood there, and of no other", async ({ events }) => {
    assert.deepEqual(await events.subscribe(0, [subscribe(null)]), [true]);
    assert.deepEqual(await events.subscribe(0, [subscribe(null, { version: "v2" })]), [false]);
    assert.deepEqual(await events.subscribe(0, [subscribe(["v2", NOW]), subscribe(["v1", NOW - 1], { event: "x" })]), [false, false]); // prettier-ignore
    const next = { version: "v2", spec: null, former: ["v1", "é"], at: NOW + 5 };
    assert.deepEqual(await events.subscribe(0, [subscribe(["v1", NOW], next)]), [true]);
    assert.deepEqual(await events.subscriptions(0, null), [subscription(next)]);
    assert.deepEqual(await events.subscribe(0, [subscribe(["v2", NOW + 5], { ...next, at: NOW + 9 })]), [true]);
    assert.deepEqual(await events.subscribe(0, []), []);
  });

  law(open, "of many that would put another in its place, one does", async ({ events }) => {
    for (const from of [null, ["v1", NOW] as const]) {
      const at = from === null ? NOW : NOW + 1;
      const many = Array.from({ length: 8 }, () => events.subscribe(0, [subscribe(from, { at })]));
      assert.equal((await Promise.all(many)).flat().filter((isDone) => isDone).length, 1);
    }
  });

  law(open, "subscriptions are found by their events, by name", async ({ events }) => {
    const all = [["b", "w2"], ["a", "w2"], ["b", "w1"]].map(([event, workflow]) => subscribe(null, { event: event!, workflow: workflow! })); // prettier-ignore
    assert.deepEqual(await events.subscribe(0, all), [true, true, true]);
    const found = async (names: readonly string[] | null) =>
      (await events.subscriptions(0, names)).map(({ event, workflow }) => `${event} ${workflow}`);
    assert.deepEqual(await found(null), ["a w2", "b w1", "b w2"]);
    assert.deepEqual(await found(["b", "none"]), ["b w1", "b w2"]);
    assert.deepEqual(await found(["b", "a"]), ["a w2", "b w1", "b w2"]);
    assert.deepEqual(await found([]), []);
  });

  law(open, "an event is taken in once, whole; the same emission sent again is", async ({ events }) => {
    assert.deepEqual(await events.emit(0, [emitted({}, "b", "a")], NOW), [true]);
    assert.deepEqual(await events.emit(0, [emitted({}, "b", "a")], NOW + 5), [true]);
    assert.deepEqual(await events.emit(0, [emitted({ emission: "other" }, "c")], NOW + 5), [false]);
    const waiting = { ...LEAD, emittedAt: NOW, dueAt: NOW, run: null, error: null };
    assert.deepEqual(await events.emitted(0, [LEAD, { ...LEAD, id: "2" }]), [
      [
        { ...waiting, workflow: "a" },
        { ...waiting, workflow: "b" },
      ],
      null,
    ]);
    assert.deepEqual(await events.emit(0, [], NOW), []);
    assert.deepEqual(await events.emitted(0, []), []);
  });

  law(open, "events of other names, tenants and ids are others", async ({ events }) => {
    const names = [{}, { event: "lead.lost" }, { tenant: "t" }, { id: "2" }];
    assert.deepEqual(await events.emit(0, names.map((name) => emitted({ ...name, emission: JSON.stringify(name) }, "a")), NOW), [true, true, true, true]); // prettier-ignore
    const batch = [emitted({ id: "3", emission: "x" }, "a"), emitted({ id: "3", emission: "y" }, "b")];
    assert.deepEqual(await events.emit(0, batch, NOW), [true, false]);
    const [deliveries] = await events.emitted(0, [{ ...LEAD, id: "3" }]);
    assert.deepEqual(ids(deliveries!), ["a 3"]);
    const none = emitted({ id: "4" });
    assert.deepEqual(await events.emit(0, [none], NOW), [true]);
    assert.deepEqual(await events.emitted(0, [{ ...LEAD, id: "4" }]), [[]]);
  });

  law(open, "names are kept whatever is in them, and as long as they may be", async (store) => {
    const wide = (count: number, from: number): string =>
      Array.from({ length: count }, (_, nth) => String.fromCharCode(0x4e00 + (((nth + from) * 7919) % 20_000))).join(
        "",
      );
    const odd = ['"', "\\", "{}", "null", ",", " x ", "é", "\u{1f600}", "\u001f", "%_", wide(400, 0)];
    const event = "e".repeat(100);
    const names = odd.map((id, nth) => ({ event, tenant: nth % 2 === 0 ? id.slice(0, 256) : wide(256, nth), id }));
    const workflow = "w".repeat(100);
    const batch = names.map((name, nth) => emitted({ ...name, emission: `e${nth}` }, workflow));
    assert.deepEqual(await store.events.emit(0, batch, NOW), names.map(() => true)); // prettier-ignore
    const { deliveries } = await store.events.take(0, [workflow], NOW, UNTIL, 99);
    const found = deliveries.map(({ tenant, id }) => JSON.stringify([tenant, id])).sort();
    assert.deepEqual(found, names.map(({ tenant, id }) => JSON.stringify([tenant, id])).sort()); // prettier-ignore
    await store.events.settle(0, names.map((name) => started(workflow, "r1", name))); // prettier-ignore
    assert.ok((await store.events.emitted(0, names)).every((one) => one?.[0]?.run === "r1"));
    assert.equal(await store.events.forgetEvents(0, NOW + 1, 99), names.length);
    const start = startOf(idMaker()(NOW), { workflow, tenant: wide(256, 1), key: keyOf(wide(512, 2)) });
    assert.deepEqual(await store.start(0, [start], NOW, null), [{ kind: "started" }]);
  });

  law(open, "of many that emit the same event at once, one is taken in", async ({ events }) => {
    const many = Array.from({ length: 8 }, (_, nth) => events.emit(0, [emitted({ emission: `e${nth}` }, `w${nth}`)], NOW)); // prettier-ignore
    const answers = (await Promise.all(many)).flat();
    assert.equal(answers.filter((isNew) => isNew).length, 1);
    const [deliveries] = await events.emitted(0, [LEAD]);
    assert.deepEqual(ids(deliveries!), [`w${answers.indexOf(true)} 1`]);
  });

  law(open, "what is taken is due again at a time, and given to nobody before", async ({ events }) => {
    await events.emit(0, [emitted({}, "a", "b")], NOW);
    assert.deepEqual(await events.take(0, ["a"], NOW - 1, UNTIL, 9), { deliveries: [], next: NOW });
    const first = await events.take(0, ["a"], NOW, UNTIL, 9);
    assert.deepEqual(first, {
      deliveries: [{ ...named("a"), input: `{"for":"a, \\"é\\""}`, startAt: null }],
      next: null,
    });
    assert.deepEqual(await events.take(0, ["a"], UNTIL - 1, UNTIL + 5, 9), { deliveries: [], next: UNTIL });
    assert.deepEqual(ids((await events.take(0, ["a"], UNTIL, UNTIL + 5, 9)).deliveries), ["a 1"]);
    assert.deepEqual(ids((await events.take(0, ["none", "b"], NOW, UNTIL, 9)).deliveries), ["b 1"]);
    assert.deepEqual(await events.take(0, [], NOW, UNTIL, 9), { deliveries: [], next: null });
  });

  law(open, "those that waited longest are taken first, so many of each workflow", async ({ events }) => {
    for (const [nth, id] of ["3", "1", "2"].entries()) await events.emit(0, [emitted({ id }, "a", "b")], NOW + nth);
    const taken = await events.take(0, ["b", "a"], NOW + 1, UNTIL, 1);
    assert.deepEqual([ids(taken.deliveries), taken.next], [["b 3", "a 3"], NOW + 2]);
    assert.deepEqual(ids((await events.take(0, ["b", "a"], NOW + 9, UNTIL, 9)).deliveries), [
      "b 1",
      "b 2",
      "a 1",
      "a 2",
    ]);
    await events.emit(0, [emitted({ id: "9" }, "a"), emitted({ id: "10" }, "a")], NOW);
    assert.deepEqual(ids((await events.take(0, ["a"], NOW, UNTIL, 9)).deliveries), ["a 10", "a 9"]);
  });

  law(open, "of many that take at once, each delivery goes to one", async ({ events }) => {
    await events.emit(
      0,
      Array.from({ length: 20 }, (_, nth) => emitted({ id: `${nth}` }, "a")),
      NOW,
    );
    const many = Array.from({ length: 6 }, () => events.take(0, ["a"], NOW, UNTIL, 5));
    const taken = (await Promise.all(many)).flatMap(({ deliveries }) => ids(deliveries));
    assert.equal(new Set(taken).size, taken.length);
    const rest = await events.take(0, ["a"], NOW, UNTIL, 20);
    assert.equal(taken.length + rest.deliveries.length, 20);
  });

  law(open, "a delivery is settled once, and due no more", async ({ events }) => {
    await events.emit(0, [emitted({}, "a", "b", "c")], NOW);
    await events.settle(0, [started("b", "r1"), refused("a"), started("none", "r9")]);
    await events.settle(0, [refused("b"), started("a", "r2")]);
    const settled = { ...LEAD, emittedAt: NOW, dueAt: null };
    assert.deepEqual(await events.emitted(0, [LEAD]), [
      [
        { ...settled, workflow: "a", run: null, error: '{"code":"X"}' },
        { ...settled, workflow: "b", run: "r1", error: null },
        { ...settled, workflow: "c", dueAt: NOW, run: null, error: null },
      ],
    ]);
    assert.deepEqual(ids((await events.take(0, ["a", "b", "c"], UNTIL, UNTIL, 9)).deliveries), ["c 1"]);
    await events.settle(0, []);
  });

  law(open, "what was refused is delivered again when somebody says so, with its input", async ({ events }) => {
    await events.emit(0, [emitted({}, "a", "b", "c")], NOW);
    await events.settle(0, [refused("a"), started("b", "r1")]);
    assert.deepEqual(await events.redeliver(0, ["a", "b", "c", "none"].map((name) => named(name)), NOW + 3), [true, false, false, false]); // prettier-ignore
    const { deliveries } = await events.take(0, ["a", "b"], NOW + 3, UNTIL, 9);
    assert.deepEqual(deliveries, [{ ...named("a"), input: `{"for":"a, \\"é\\""}`, startAt: null }]);
    await events.settle(0, [started("a", "r2")]);
    const [found] = await events.emitted(0, [LEAD]);
    assert.deepEqual(found!.map(({ run, error }) => [run, error]), [["r2", null], ["r1", null], [null, null]]); // prettier-ignore
    assert.deepEqual(await events.redeliver(0, [], NOW), []);
  });

  law(open, "deliveries are listed by their state, page by page, in the order of their names", async ({ events }) => {
    await events.emit(
      0,
      [emitted({ id: "2" }, "a", "b"), emitted({ id: "1" }, "a", "b"), emitted({ id: "3" }, "b")],
      NOW,
    );
    await events.settle(0, [refused("b", { id: "1" }), refused("b", { id: "2" }), started("b", "r", { id: "3" })]);
    const list = async (state: "waiting" | "refused", after: DeliveryName | null, limit: number) =>
      ids(await events.deliveries(0, state, after, limit));
    assert.deepEqual(await list("waiting", null, 9), ["a 1", "a 2"]);
    assert.deepEqual(await list("refused", null, 9), ["b 1", "b 2"]);
    assert.deepEqual(await list("refused", null, 1), ["b 1"]);
    assert.deepEqual(await list("refused", named("b", { id: "1" }), 9), ["b 2"]);
    assert.deepEqual(await list("refused", named("b", { id: "2" }), 9), []);
  });

  law(open, "old events are forgotten whole, but for those of which a delivery waits", async ({ events }) => {
    const at = ["1", "2", "3", "4"];
    for (const [nth, id] of at.entries()) await events.emit(0, [emitted({ id }, "a", "b")], NOW + nth);
    const ofAll = ["1", "2", "4"].flatMap((id) => [started("a", `r${id}`, { id }), refused("b", { id })]);
    await events.settle(0, [...ofAll, started("a", "r3", { id: "3" })]);
    assert.equal(await events.forgetEvents(0, NOW, 9), 0);
    assert.equal(await events.forgetEvents(0, NOW + 3, 1), 1);
    assert.equal(await events.forgetEvents(0, NOW + 3, 9), 1);
    assert.equal(await events.forgetEvents(0, NOW + 3, 9), 0);
    const known = await events.emitted(
      0,
      at.map((id) => ({ ...LEAD, id })),
    );
    assert.deepEqual(
      known.map((one) => one?.length ?? null),
      [null, null, 2, 2],
    );
    assert.deepEqual(ids(await events.deliveries(0, "refused", null, 9)), ["b 4"]);
    assert.deepEqual(await events.emit(0, [emitted({ id: "1", emission: "again" }, "a")], NOW), [true]);
  });

  law(
    open,
    "lanes are apart",
    async ({ events }) => {
      await events.subscribe(0, [subscribe(null)]);
      await events.emit(0, [emitted({}, "a")], NOW);
      assert.deepEqual(await events.subscriptions(1, null), []);
      assert.deepEqual(await events.emitted(1, [LEAD]), [null]);
      assert.deepEqual(await events.take(1, ["a"], NOW, UNTIL, 9), { deliveries: [], next: null });
      assert.deepEqual(await events.emit(1, [emitted({}, "a")], NOW), [true]);
      await events.settle(1, [refused("a")]);
      assert.deepEqual(await events.deliveries(0, "refused", null, 9), []);
      assert.deepEqual(await events.redeliver(0, [named("a")], NOW), [false]);
      assert.equal(await events.forgetEvents(0, NOW + 9, 9), 0);
      assert.equal(await events.forgetEvents(1, NOW + 9, 9), 1);
    },
    2,
  );
}
