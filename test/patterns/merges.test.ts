/** Patterns 33, 37, 38, 41 and 42 of docs/reference/patterns.md: joins of whatever is active, and of threads. */
import assert from "node:assert/strict";
import test from "node:test";
import { derive, each, eq, gte, repeat, step, waitFor, when, workflow, type Lifted } from "tenfold";
import { takes } from "tenfold/testing";
import { z } from "zod";
import { begins, openTrial } from "./trial.ts";

const Part = z.string();
const assemble = step("assemble", { run: (parts: Record<string, string>) => Object.values(parts).join(" + ") });

const cars = workflow("cars", {
  flow(ordered: Lifted<number>) {
    return repeat(
      0,
      (built: Lifted<number>) => {
        const engine = waitFor("engine", { schema: Part });
        const body = waitFor("body", { schema: Part });
        return derive(built, assemble({ engine, body }), (built) => built + 1);
      },
      { until: (built) => gte(built, ordered), max: 1000 },
    );
  },
});

test("33 Generalized AND-Join: what comes in excess is kept for the next time", async () => {
  await using env = await openTrial(cars);
  const run = await env.tenfold.start(cars, 2);
  for (const engine of ["V6", "V8"]) await env.tenfold.signal(run.id, "engine", engine);
  await env.settle();
  assert.deepEqual(env.calls(assemble), []);
  for (const body of ["red", "blue"]) await env.tenfold.signal(run.id, "body", body);
  assert.equal(await env.finish(run), 2);
  assert.deepEqual(
    env.calls(assemble).map(({ input }) => input),
    [
      { engine: "V6", body: "red" },
      { engine: "V8", body: "blue" },
    ],
  );
});

type Claim = { injured: boolean; damaged: boolean; euro: number };
const doctor = step("doctor", { run: (claim: Claim) => `doctor on ${claim.euro}` });
const garage = step("garage", { run: (claim: Claim) => `garage on ${claim.euro}` });
const second = step("second", { run: (opinion: string | undefined) => `second opinion on ${opinion ?? "nothing"}` });
const decide = step("decide", {
  run: (said: Record<string, string | undefined>) => Object.values(said).filter(Boolean),
});

const claims = workflow("claims", {
  flow(claim: Lifted<Claim>) {
    const medical = when.as("medical")(claim.injured, () => doctor(claim));
    const technical = when.as("technical")(claim.damaged, () => garage(claim));
    const checked = when.as("checked")(gte(claim.euro, 1000), () => second(medical)); // across the branches
    return decide({ medical, technical, checked }); // waits for those that are active, however they were split
  },
});

test("37 Local Synchronizing Merge: joins what is active, however it was split", async () => {
  await using env = await openTrial(claims);
  env.stub(doctor, takes("2 days", doctor.run));
  const small = await env.tenfold.start(claims, { injured: false, damaged: true, euro: 10 });
  assert.deepEqual(await env.finish(small), ["garage on 10"]);
  const large = await env.tenfold.start(claims, { injured: true, damaged: false, euro: 5000 });
  assert.deepEqual(await env.finish(large), ["doctor on 5000", "second opinion on doctor on 5000"]);
  assert.deepEqual(begins(env, "decide"), ["0s", "2d"]);
});

const correct = step("correct", { run: (euro: number) => euro - 100 });

const settled = workflow("settled", {
  flow(claim: Lifted<Claim>) {
    const medical = when.as("medical")(claim.injured, () => doctor(claim));
    const euro = when.as("large")(gte(claim.euro, 1000), () =>
      repeat(claim.euro, (euro: Lifted<number>) => correct(euro), { until: (euro) => eq(euro, 900), max: 50 }),
    );
    return decide({ medical, euro: derive(euro, (euro) => (euro === undefined ? undefined : `${euro} €`)) });
  },
});

test("38 General Synchronizing Merge: a branch that loops comes once it comes no more", async () => {
  await using env = await openTrial(settled);
  env.stub(correct, takes("1h", correct.run));
  const run = await env.tenfold.start(settled, { injured: true, damaged: false, euro: 1200 });
  assert.deepEqual(await env.finish(run), ["doctor on 1200", "900 €"]);
  assert.deepEqual(begins(env, "decide"), ["3h"]);
});

const register = step("register", { run: (car: string) => `${car} is registered` });
const finalise = step("finalise", {
  run: (done: readonly (string | null)[]) => done.filter((car) => car !== null).length,
});

const fleet = workflow("fleet", {
  flow(cars: Lifted<string[]>) {
    return finalise(each(cars, (car) => register(car), { enough: 3, rest: "finish" }));
  },
});

test("41 Thread Merge: three threads of a branch become one", async () => {
  await using env = await openTrial(fleet);
  env.stub(register, (car, ctx) => ctx.wait(`${car.length}m`).then(() => car));
  const run = await env.tenfold.start(fleet, ["a", "bb", "ccc", "dddd"]);
  assert.equal(await env.finish(run), 3);
  assert.deepEqual(begins(env, "finalise"), ["3m"]);
});

const sign = step("sign", { run: (copy: number) => copy });
const send = step("send", { run: (copy: number) => `copy ${copy} is sent` });

const copies = workflow("copies", {
  flow(numbers: Lifted<number[]>) {
    return each(numbers, (copy) => send(sign(copy))); // the rest of the branch, once a thread
  },
});

test("42 Thread Split: each thread goes on by itself", async () => {
  await using env = await openTrial(copies);
  env.stub(sign, (copy, ctx) => ctx.wait(`${copy}h`).then(() => copy));
  await env.finish(await env.tenfold.start(copies, [1, 2, 3]));
  assert.deepEqual(begins(env, "send"), ["1h", "2h", "3h"]);
});
