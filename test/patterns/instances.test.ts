/** Patterns 12 to 15, 26, 27 and 34 to 36 of docs/reference/patterns.md: several instances of a task. */
import assert from "node:assert/strict";
import test from "node:test";
import { after, attempt, call, derive, each, gte, match, not, repeat, sleep, step, waitFor, workflow, type Lifted } from "tenfold"; // prettier-ignore
import { takes } from "tenfold/testing";
import { z } from "zod";
import { begins, client, openTrial } from "./trial.ts";

const fine = step("fine", { run: (ticket: string) => `${ticket} is sent` });
const close = step("close", { run: (officer: string) => `${officer} is done` });

const tickets = workflow("tickets", {
  flow({ officer, offences }: Lifted<{ officer: string; offences: string[] }>) {
    each(offences, (offence) => fine(offence)); // its value is not used, so nobody waits for it
    return close(officer);
  },
});

test("12 Multiple Instances without Synchronization: what follows waits for none", async () => {
  await using env = await openTrial(tickets);
  env.stub(fine, takes("2 days", fine.run));
  await env.finish(await env.tenfold.start(tickets, { officer: "Kim", offences: ["speed", "lights"] }));
  assert.deepEqual([begins(env, "fine"), begins(env, "close")], [["0s", "0s"], ["0s"]]);
});

const sign = step("sign", { run: (who: string) => `signed by ${who}` });
const publish = step("publish", { run: (signatures: readonly string[]) => signatures.length });

const annual = workflow("annual", {
  flow(_year: Lifted<null>) {
    const signed = ["ann", "ben", "cho"].map((director) => sign.as(`sign-${director}`)(director));
    return publish(signed);
  },
});

test("13 Multiple Instances with a priori Design-Time Knowledge: a number that the source says", async () => {
  await using env = await openTrial(annual);
  env.stub(sign, (who, ctx) => ctx.wait(who === "cho" ? "3 days" : "1 day").then(() => who));
  const run = await env.tenfold.start(annual, null);
  assert.equal(await env.finish(run), 3);
  assert.deepEqual([begins(env, "sign"), begins(env, "publish")], [["0s", "0s", "0s"], ["3d"]]);
});

const weigh = step("weigh", { run: (compound: string) => compound.length });
const mix = step("mix", { run: (grams: readonly number[]) => grams.reduce((a, b) => a + b, 0) });

const prescription = workflow("prescription", {
  flow(compounds: Lifted<string[]>) {
    return mix(each(compounds, (compound) => weigh(compound)));
  },
});

test("14 Multiple Instances with a priori Run-Time Knowledge: a number that the run's data says", async () => {
  await using env = await openTrial(prescription);
  env.stub(weigh, (compound, ctx) => ctx.wait(`${compound.length}m`).then(() => compound.length));
  assert.equal(await env.finish(await env.tenfold.start(prescription, ["zinc", "iron", "water"])), 13);
  assert.deepEqual(begins(env, "mix"), ["5m"]);
});

type Load = { rig: string; name: string; weight: number };
const Next = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("load"), name: z.string(), weight: z.number() }),
  z.object({ kind: z.literal("end") }),
]);
const transport = step("transport", { run: ({ name }: Load) => `${name} is there` });
const assemble = step("assemble", { run: (parts: readonly string[]) => parts.length });

const shipment = workflow("shipment", {
  key: ({ rig, name }: Load) => `${rig}/${name}`,
  flow: (load: Lifted<Load>) => transport(load),
});
const begin = step("begin", {
  run: async (load: Load) => {
    await client().start(shipment, load);
  },
});

type Rig = { loads: Load[]; isOpen: boolean };
const rig = workflow("rig", {
  flow(name: Lifted<string>) {
    const all = repeat(
      { loads: [], isOpen: true },
      (known: Lifted<Rig>) =>
        match(waitFor("next", { schema: Next }), "kind", {
          load: (load) => {
            const shipped = { rig: name, name: load.name, weight: load.weight };
            begin(shipped); // a run of its own, under its key
            return derive(known, shipped, ({ loads }, load) => ({ loads: [...loads, load], isOpen: true }));
          },
          end: () => derive(known, ({ loads }) => ({ loads, isOpen: false })),
        }),
      { until: (known) => not(known.isOpen), max: 1000 },
    );
    return assemble(each(all.loads, (load) => call(shipment, load))); // joins those runs, whether they have ended or not
  },
});

test("15 Multiple Instances without a priori Run-Time Knowledge: more are added while some run", async () => {
  await using env = await openTrial(rig, shipment);
  env.stub(transport, (load, ctx) => ctx.wait(`${load.weight} days`).then(() => load.name));
  const run = await env.tenfold.start(rig, "R-1");
  await env.tenfold.signal(run.id, "next", { kind: "load", name: "deck", weight: 5 });
  await env.tenfold.signal(run.id, "next", { kind: "load", name: "crane", weight: 1 });
  await env.advance("2 days");
  await env.tenfold.signal(run.id, "next", { kind: "load", name: "legs", weight: 9 });
  await env.advance("1 day");
  await env.tenfold.signal(run.id, "next", { kind: "end" });
  assert.equal(await env.finish(run), 3);
  assert.deepEqual(begins(env, "assemble"), ["11d"]);
  assert.equal(env.calls(transport).length, 3);
});

type Sample = { name: string; days: number; batch: string };
const examine = step("examine", { run: ({ name }: Sample) => `${name} is fine` });
const conclude = step("conclude", { run: (found: unknown) => JSON.stringify(found) });

const trial = workflow("trial", {
  flow(samples: Lifted<Sample[]>) {
    const done = each(
      ["tests", "withdrawn"],
      (what) =>
        match(what, {
          tests: () => each(samples, (sample) => examine(sample)),
          withdrawn: () => waitFor("withdrawn"),
        }),
      { enough: 1, rest: "stop" },
    );
    return conclude(done);
  },
});

const samples: Sample[] = [
  { name: "s1", days: 1, batch: "B-1" },
  { name: "s2", days: 5, batch: "B-1" },
];

test("26 Cancel Multiple Instance Task: those that have ended stay, the others are withdrawn", async () => {
  await using env = await openTrial(trial);
  env.stub(examine, (sample, ctx) => ctx.wait(`${sample.days} days`).then(() => sample.name));
  const run = await env.tenfold.start(trial, samples);
  await env.advance("2 days");
  await env.tenfold.signal(run.id, "withdrawn", "by the doctor");
  assert.equal(await env.finish(run), '[null,"by the doctor"]');
  assert.deepEqual(begins(env, "conclude"), ["2d"]);
  const examined = env.path(run).filter((node) => node.endsWith("examine"));
  assert.deepEqual(examined, ["each-items[0]/match-item/tests/each-input[0]/examine"]);
});

const inTime = workflow("in-time", {
  flow(samples: Lifted<Sample[]>) {
    const results = each(samples, (sample) =>
      each.as("in-time")(
        ["test", "time"],
        (what) => match(what, { test: () => examine(sample), time: () => sleep("2 days") }),
        { enough: 1, rest: "stop" },
      ),
    );
    return conclude(results); // [["s1 is fine", null], [null, null]]
  },
});

const proteinTest = workflow("protein-test", {
  attributes: ({ batch }: Sample) => ({ batch }),
  flow: (sample: Lifted<Sample>) => examine(sample),
});

const series = workflow("series", {
  flow(samples: Lifted<Sample[]>) {
    const results = each(samples, (sample) =>
      attempt(
        () => call(proteinTest, sample),
        () => null, // this one was withdrawn
      ),
    );
    return conclude(results);
  },
});

test("27 Complete Multiple Instance Task: what has ended counts, and what follows begins", async () => {
  await using env = await openTrial(series, inTime, proteinTest);
  env.stub(examine, (sample, ctx) => ctx.wait(`${sample.days} days`).then(() => sample.name));
  const run = await env.tenfold.start(series, samples);
  await env.advance("2 days");
  const { tenfold } = env;
  await tenfold.cancel({ workflow: "protein-test", attribute: { name: "batch", value: "B-1" } }, { reason: "enough" });
  assert.equal(await env.finish(run), '["s1",null]');
  assert.deepEqual(begins(env, "conclude"), ["2d"]);

  const timed = await env.tenfold.start(inTime, samples);
  assert.equal(await env.finish(timed), '[["s1",null],[null,null]]');
  assert.deepEqual(begins(env, "conclude"), ["2d", "2d"]);
});

const quorum = workflow("quorum", {
  flow({ samples, n }: Lifted<{ samples: Sample[]; n: number }>) {
    return conclude(each(samples, (sample) => examine(sample), { enough: n, rest: "finish" }));
  },
});
const many: Sample[] = [4, 2, 3, 1].map((days) => ({ name: `s${days}`, days, batch: "B-2" }));

test("34 Static Partial Join for Multiple Instances: n of m, known when they begin", async () => {
  await using env = await openTrial(quorum);
  env.stub(examine, (sample, ctx) => ctx.wait(`${sample.days} days`).then(() => sample.name));
  const run = await env.tenfold.start(quorum, { samples: many, n: 3 });
  assert.equal(await env.finish(run), '[null,"s2","s3","s1"]');
  assert.deepEqual(begins(env, "conclude"), ["3d"]);
  assert.deepEqual(env.path(run).slice(-2), ["conclude", "each-samples[0]/examine"]);
});

const quickQuorum = workflow("quick-quorum", {
  flow({ samples, n }: Lifted<{ samples: Sample[]; n: number }>) {
    return conclude(each(samples, (sample) => examine(sample), { enough: n, rest: "stop" }));
  },
});

test("35 Cancelling Partial Join for Multiple Instances: n of m, and the rest is stopped", async () => {
  await using env = await openTrial(quickQuorum);
  env.stub(examine, (sample, ctx) => ctx.wait(`${sample.days} days`).then(() => sample.name));
  const run = await env.tenfold.start(quickQuorum, { samples: many, n: 2 });
  assert.equal(await env.finish(run), '[null,"s2",null,"s1"]');
  assert.deepEqual(begins(env, "conclude"), ["2d"]);
  assert.deepEqual(
    env.journal(run).flatMap(({ kind, node }) => (kind === "abandoned" ? [node] : [])),
    ["each-samples[0]/examine", "each-samples[2]/examine"],
  );
});

const Desk = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("load"), name: z.string(), weight: z.number() }),
  z.object({ kind: z.literal("arrived"), weight: z.number() }),
]);
const invoice = step("invoice", { run: (weight: number) => `${weight} t` });
const arrived = step("arrived", {
  run: ({ rig, weight }: Load) =>
    client()
      .signal({ workflow: "rig-costs", key: rig }, "desk", { kind: "arrived", weight })
      .catch((error: { code: string }) => {
        if (error.code !== "RUN_FINISHED") throw error; // nobody waits for the rest
      }),
});
const delivery = workflow("delivery", {
  key: ({ rig, name }: Load) => `${rig}/${name}`,
  flow: (load: Lifted<Load>) => after(transport(load), () => arrived(load)),
});
const beginDelivery = step("begin-delivery", {
  run: async (load: Load) => {
    await client().start(delivery, load);
  },
});

const rigCosts = workflow("rig-costs", {
  key: ({ name }: { name: string; need: number }) => name,
  flow(rig: Lifted<{ name: string; need: number }>) {
    const weight = repeat(
      0,
      (weight: Lifted<number>) =>
        match(waitFor("desk", { schema: Desk }), "kind", {
          load: (load) => {
            beginDelivery({ rig: rig.name, name: load.name, weight: load.weight });
            return derive(weight, (weight) => weight);
          },
          arrived: (load) => derive(weight, load.weight, (weight, more) => weight + more),
        }),
      { until: (weight) => gte(weight, rig.need), max: 1000 }, // asked each time that one has ended
    );
    return invoice(weight); // whoever adds a load from now on is told that the run takes none
  },
});

test("36 Dynamic Partial Join for Multiple Instances: a condition is asked at each end, and more may be added", async () => {
  await using env = await openTrial(rigCosts, delivery);
  env.stub(transport, (load, ctx) => ctx.wait(`${load.weight} days`).then(() => load.name));
  const run = await env.tenfold.start(rigCosts, { name: "R-1", need: 4 });
  await env.tenfold.signal(run.id, "desk", { kind: "load", name: "deck", weight: 9 });
  await env.tenfold.signal(run.id, "desk", { kind: "load", name: "crane", weight: 1 });
  await env.advance("2 days");
  await env.tenfold.signal(run.id, "desk", { kind: "load", name: "legs", weight: 3 });
  assert.equal(await env.finish(run), "4 t");
  assert.deepEqual(begins(env, "invoice"), ["5d"]);
  await assert.rejects(
    env.tenfold.signal(run.id, "desk", { kind: "load", name: "late", weight: 1 }),
    /RUN_FINISHED|is completed|over/,
  );
  await env.advance("10 days");
  assert.deepEqual(begins(env, "arrived"), ["1d", "3d", "9d"]); // the rest has gone on, unheard
});
