/** Patterns 11, 19, 20, 23 to 25 and 43 of docs/reference/patterns.md: ends, cancels and triggers. */
import assert from "node:assert/strict";
import test from "node:test";
import { after, call, each, gte, match, repeat, step, waitFor, workflow, type Lifted } from "tenfold";
import { takes } from "tenfold/testing";
import { z } from "zod";
import { begins, openTrial, tell } from "./trial.ts";

const pay = step("pay", { run: (order: string) => order });
const ship = step("ship", { run: (order: string) => order });
const thank = step("thank", { run: (order: string) => order });

const order = workflow("order", {
  flow(order: Lifted<string>) {
    pay(order); // three ends, and no node that says so
    thank(ship(order));
  },
});

test("11 Implicit Termination: a run ends when nothing is left to do", async () => {
  await using env = await openTrial(order);
  env.stub(pay, takes("14 days", pay.run));
  const run = await env.tenfold.start(order, "A-1");
  await env.advance("13 days");
  assert.equal((await env.tenfold.show(run.id)).status, "running");
  await env.finish(run);
  assert.deepEqual(env.path(run), ["ship", "thank", "pay"]);
});

const inspect = step("inspect", { run: (car: string) => `${car} is inspected` });
const sell = step("sell", { run: (car: string) => `${car} is sold` });

const sale = workflow("sale", {
  flow(car: Lifted<string>) {
    const inspected = each(
      ["inspection", "withdrawn"],
      (what) => match(what, { inspection: () => inspect(car), withdrawn: () => waitFor("withdrawn") }),
      { enough: 1, rest: "stop" },
    );
    return after(inspected, () => sell(car));
  },
});

test("19 Cancel Task: it is withdrawn, or stopped where it runs, and the case goes on", async () => {
  await using env = await openTrial(sale);
  env.stub(inspect, takes("7 days", inspect.run));
  const run = await env.tenfold.start(sale, "the car");
  await env.advance("1 day");
  await env.tenfold.signal(run.id, "withdrawn", "no buyer wants it");
  assert.equal(await env.finish(run), "the car is sold");
  assert.deepEqual(begins(env, "sell"), ["1d"]);
  const whole = await env.tenfold.start(sale, "the other car");
  await env.finish(whole);
  assert.deepEqual(begins(env, "sell"), ["1d", "7d"]);
});

const inspection = workflow("inspection", { flow: (car: Lifted<string>) => inspect(car) });

const mortgage = workflow("mortgage", {
  flow(house: Lifted<string>) {
    return after(call(inspection, house), () => sell(house));
  },
});

test("20 Cancel Case: the whole run, and its children", async () => {
  await using env = await openTrial(mortgage, inspection);
  env.stub(inspect, takes("7 days", inspect.run));
  const run = await env.tenfold.start(mortgage, "No. 7");
  await env.advance("1 day");
  await env.tenfold.cancel(run.id, { reason: "the buyer has withdrawn" });
  await assert.rejects(env.finish(run), { code: "RUN_CANCELLED" });
  await env.settle();
  for await (const child of env.tenfold.runs({ workflow: "inspection" })) assert.equal(child.status, "cancelled");
  assert.deepEqual(env.calls(sell), []);
});

const Alarm = z.object({ at: z.number() });
const watch = step("watch", { run: (_reactor: string, ctx) => ctx.now() });
const shutDown = step("shut-down", { run: (reactor: string) => `${reactor} is off` });

const reactor = workflow("reactor", {
  flow(reactor: Lifted<string>) {
    const from = watch(reactor); // answers ctx.now(): from when on it is listened to
    const alarm = after(from, () =>
      repeat({ at: 0 }, () => waitFor("alarm", { schema: Alarm }), { until: (alarm) => gte(alarm.at, from), max: 100 }),
    );
    return after(alarm, () => shutDown(reactor));
  },
});

test("23 Transient Trigger: what comes before anybody waits is passed over", async () => {
  await using env = await openTrial(reactor);
  env.stub(
    watch,
    takes("1h", (_input, ctx) => ctx.now() + 3_600_000),
  );
  const run = await env.tenfold.start(reactor, "R-1");
  await env.tenfold.signal(run.id, "alarm", { at: env.now });
  await env.advance("2h");
  assert.deepEqual(env.calls(shutDown), []);
  await env.tenfold.signal(run.id, "alarm", { at: env.now });
  assert.equal(await env.finish(run), "R-1 is off");
  assert.deepEqual(begins(env, "shut-down"), ["2h"]);
});

const collect = step("collect", { run: (order: string) => order });

const shop = workflow("shop", {
  flow(order: Lifted<string>) {
    const packed = ship(order);
    const courier = after(packed, () => waitFor("courier-is-here"));
    return after(courier, () => collect(order));
  },
});

test("24 Persistent Trigger: what comes early is kept until it is waited for", async () => {
  await using env = await openTrial(shop);
  env.stub(ship, takes("1h", ship.run));
  const run = await env.tenfold.start(shop, "A-1");
  await env.tenfold.signal(run.id, "courier-is-here", null);
  assert.equal(await env.finish(run), "A-1");
  assert.deepEqual(begins(env, "collect"), ["1h"]);
});

const lookUp = step("look-up", { run: (claim: string) => `${claim}: policy` });
const estimate = step("estimate", { run: (claim: string) => `${claim}: 300 €` });
const settle = step("settle", { run: (claim: string) => `${claim} is settled` });

const insurance = workflow("insurance", {
  flow(claim: Lifted<string>) {
    const registered = thank(claim);
    const assessed = each(
      ["region", "withdrawn"],
      (what) =>
        match(what, {
          region: () => ({ policy: lookUp(claim), damage: estimate(claim) }), // all that goes with one signal
          withdrawn: () => waitFor("withdrawn"),
        }),
      { enough: 1, rest: "stop" },
    );
    return after([registered, assessed], () => settle(claim));
  },
});

test("25 Cancel Region: all that is drawn in it goes with one signal, and nothing else", async () => {
  await using env = await openTrial(insurance);
  env.stub(estimate, takes("9 days", estimate.run));
  env.stub(thank, takes("3 days", thank.run));
  const run = await env.tenfold.start(insurance, "C-1");
  await env.advance("1 day");
  await env.tenfold.signal(run.id, "withdrawn", "a court decides");
  assert.equal(await env.finish(run), "C-1 is settled");
  assert.deepEqual(begins(env, "settle"), ["3d"]);
});

const theCase = workflow("case", {
  flow(claim: Lifted<string>) {
    return each(
      ["work", "end"],
      (what) =>
        match(what, {
          work: () => {
            pay(claim); // under way, or to be done
            return after(estimate(claim), () => tell({ signal: "end" })); // here the case ends
          },
          end: () => waitFor("end"),
        }),
      { enough: 1, rest: "stop" },
    );
  },
});

test("43 Explicit Termination: one node ends the case as completed, whatever else is under way", async () => {
  await using env = await openTrial(theCase);
  env.stub(pay, takes("14 days", pay.run));
  env.stub(estimate, takes("1 day", estimate.run));
  const run = await env.tenfold.start(theCase, "C-1");
  await env.finish(run);
  const { startedAt, endedAt, status } = await env.tenfold.show(run.id);
  assert.deepEqual([status, endedAt! - startedAt], ["completed", 86_400_000]);
  const abandoned = env.journal(run).flatMap(({ kind, node }) => (kind === "abandoned" ? [node] : []));
  assert.ok(abandoned.includes("each-items[0]/match-item/work/pay"));
});
