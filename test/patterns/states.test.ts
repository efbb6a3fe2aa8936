/** Patterns 16 to 18, 39 and 40 of docs/reference/patterns.md: what depends on the state of the case, not on its data. */
import assert from "node:assert/strict";
import test from "node:test";
import { after, each, eq, match, repeat, sleep, step, waitFor, workflow, type Lifted } from "tenfold";
import { takes } from "tenfold/testing";
import { z } from "zod";
import { begins, openTrial, tell, type Environment } from "./trial.ts";

const Answer = z.object({ kind: z.enum(["accepted", "declined"]) });
const bookTrip = step("book-trip", { run: (trip: string) => `${trip} is booked` });
const file = step("file", { run: (trip: string) => `${trip} is filed` });
const remind = step("remind", { run: (trip: string) => `${trip}: a reminder` });

const offer = workflow("offer", {
  flow(trip: Lifted<string>) {
    const answer = waitFor("answer", {
      schema: Answer,
      timeout: "3 days",
      otherwise: () => ({ kind: "late" as const }),
    });
    return match(answer, "kind", {
      accepted: () => bookTrip(trip),
      declined: () => file(trip),
      late: () => remind(trip),
    });
  },
});

test("16 Deferred Choice: what comes first decides, and the others are withdrawn", async () => {
  await using env = await openTrial(offer);
  const [accepted, late] = [await env.tenfold.start(offer, "Rome"), await env.tenfold.start(offer, "Oslo")];
  await env.advance("1 day");
  await env.tenfold.signal(accepted.id, "answer", { kind: "accepted" });
  assert.equal(await env.finish(accepted), "Rome is booked");
  assert.equal(await env.finish(late), "Oslo: a reminder");
  await assert.rejects(env.tenfold.signal(accepted.id, "answer", { kind: "declined" }), { code: "RUN_FINISHED" });
});

/** No two calls of these steps overlap, each of which takes an hour. */
function oneAtATime(env: Environment, ...names: readonly string[]): void {
  const at = names.flatMap((name) => env.calls(name).map((call) => call.at)).toSorted((a, b) => a - b);
  const gaps = at.slice(1).map((time, index) => time - at[index]!);
  assert.ok(gaps.length > 0 && gaps.every((gap) => gap >= 3_600_000), String(gaps));
}

const pick = step("pick", { run: (order: string) => order });
const pack = step("pack", { run: (order: string) => order });
const prepareInvoice = step("prepare-invoice", { run: (order: string) => order });
const ship = step("ship", { run: (order: string) => `${order} is sent` });

/** Draws a part that begins when the desk is free, and frees it when it has ended. */
const atTheDesk = <R>(name: string, draw: () => Lifted<R>): Lifted<R> => {
  const done = after(waitFor.as(`${name}-waits`)("desk"), draw);
  after(done, () => tell.as(`${name}-leaves`)({ signal: "desk" }));
  return done;
};

const dispatch = workflow("dispatch", {
  flow(order: Lifted<string>) {
    tell({ signal: "desk" }); // it is free
    const picked = atTheDesk("pick", () => pick(order));
    const packed = after(picked, () => atTheDesk("pack", () => pack(order)));
    const invoiced = atTheDesk("invoice", () => prepareInvoice(order));
    return after([packed, invoiced], () => ship(order));
  },
});

test("17 Interleaved Parallel Routing: in an order that accords with the edges, never two at a time", async () => {
  await using env = await openTrial(dispatch);
  for (const one of [pick, pack, prepareInvoice]) env.stub(one, takes("1h", one.run));
  assert.equal(await env.finish(await env.tenfold.start(dispatch, "A-1")), "A-1 is sent");
  oneAtATime(env, "pick", "pack", "prepare-invoice");
  const order = env.calls(pick)[0]!.at < env.calls(pack)[0]!.at;
  assert.ok(order && begins(env, "ship")[0] === "3h");
});

const Visit = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("enrol"), student: z.string() }),
  z.object({ kind: z.literal("closed") }),
]);
const openEnrolment = step("open-enrolment", { run: (course: string) => course });
const enrol = step("enrol", { run: (student: string) => ({ kind: "enrol" as const, student }) });
const closeEnrolment = step("close-enrolment", { run: (course: string) => `${course} begins` });

const course = workflow("course", {
  flow(course: Lifted<string>) {
    const opened = openEnrolment(course);
    after(opened, () =>
      repeat(
        { kind: "enrol", student: "" },
        () =>
          match(waitFor("visit", { schema: Visit }), "kind", {
            enrol: (visit) => enrol(visit.student),
            closed: (visit) => visit,
          }),
        { until: (visit) => eq(visit.kind, "closed"), max: 500 },
      ),
    );
    const month = after(opened, () => sleep("30 days")); // the other branch, whose state it is
    const closed = after(month, () => tell({ signal: "visit", what: { kind: "closed" } }));
    return after(closed, () => closeEnrolment(course));
  },
});

test("18 Milestone: a task can be done while the case is at a point, not before and never after", async () => {
  await using env = await openTrial(course);
  env.stub(openEnrolment, takes("1 day", openEnrolment.run));
  env.stub(closeEnrolment, takes("2 days", closeEnrolment.run));
  const run = await env.tenfold.start(course, "Logic");
  const visits = (student: string) => env.tenfold.signal(run.id, "visit", { kind: "enrol", student });
  await visits("early"); // kept until it is open
  await env.settle();
  assert.deepEqual(begins(env, "enrol"), []);
  await env.advance("10 days");
  await visits("ann");
  await visits("ben");
  await env.advance("22 days"); // closed a day ago
  await visits("late");
  assert.equal(await env.finish(run), "Logic begins");
  assert.deepEqual(
    env.calls(enrol).map(({ input }) => input),
    ["early", "ann", "ben"],
  );
});

const takeDeposit = step("take-deposit", { run: (trip: string) => trip });
const printReceipt = step("print-receipt", { run: (trip: string) => trip });
const payInsurance = step("pay-insurance", { run: (trip: string) => trip });
const bookFlight = step("book-flight", { run: (trip: string) => trip });
const compareInsurers = step("compare-insurers", { run: (trip: string) => trip });
const confirm = step("confirm", { run: (trip: string) => `${trip} is booked` });

const holiday = workflow("holiday", {
  flow(trip: Lifted<string>) {
    tell({ signal: "desk" }); // the card machine is free
    const flight = bookFlight(trip);
    const deposit = after(flight, () => atTheDesk("deposit", () => printReceipt(takeDeposit(trip))));
    const insurer = compareInsurers(trip);
    const insurance = after(insurer, () => atTheDesk("insurance", () => payInsurance(trip)));
    return after([deposit, insurance], () => confirm(trip));
  },
});

test("39 Critical Section: from its first task to its last, one section at a time", async () => {
  await using env = await openTrial(holiday);
  for (const one of [bookFlight, compareInsurers, takeDeposit, printReceipt, payInsurance])
    env.stub(one, takes("1h", one.run));
  assert.equal(await env.finish(await env.tenfold.start(holiday, "Rome")), "Rome is booked");
  oneAtATime(env, "take-deposit", "print-receipt", "pay-insurance");
  const order = ["take-deposit", "print-receipt", "pay-insurance"].map((name) => env.calls(name)[0]!.at);
  assert.equal(order[1]! - order[0]!, 3_600_000, "nothing came between the two tasks of a section");
});

const bloodTest = step("blood-test", { run: (patient: string) => `blood of ${patient}` });
const xRay = step("x-ray", { run: (patient: string) => `bones of ${patient}` });
const hearing = step("hearing", { run: (patient: string) => `ears of ${patient}` });

const checkUp = workflow("check-up", {
  flow({ kim, order }: Lifted<{ kim: string; order: ("blood" | "bones" | "ears")[] }>) {
    return each(
      order, // any order: made here, by a step, or by the data
      (part) => match(part, { blood: () => bloodTest(kim), bones: () => xRay(kim), ears: () => hearing(kim) }),
      { concurrency: 1 },
    );
  },
});

test("40 Interleaved Routing: in any order, never two at a time", async () => {
  await using env = await openTrial(checkUp);
  for (const one of [bloodTest, xRay, hearing]) env.stub(one, takes("1h", one.run));
  const run = await env.tenfold.start(checkUp, { kim: "Kim", order: ["ears", "blood", "bones"] });
  assert.deepEqual(await env.finish(run), ["ears of Kim", "blood of Kim", "bones of Kim"]);
  oneAtATime(env, "blood-test", "x-ray", "hearing");
});
