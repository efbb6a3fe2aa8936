/** `match`, `when`, `each`, `derive`, `after` and expressions: what they take, what their callbacks see, what they yield. */
import { z } from "zod";
import type * as flow from "../../src/flow/index.ts";
import {
  all,
  after,
  sleep,
  sleepUntil,
  waitFor,
  any,
  call,
  derive,
  each,
  eq,
  gt,
  gte,
  match,
  not,
  oneOf,
  present,
  step,
  when,
} from "../../src/flow/index.ts";
import { same, type Company, type Lead, type Order, type Payment } from "./lead.ts";

declare const lead: flow.Lifted<Lead>;
declare const payment: flow.Lifted<Payment>;
declare const perhaps: flow.Lifted<Payment | null>;
declare const named: flow.Lifted<{ readonly name?: "kim" }>;
declare const opaque: flow.Lifted<unknown>;

const enrich = step("enrich", { run: (input: Lead): Company => ({ size: input.points, industry: "retail" }) });
const price = step("price", { run: (order: Order) => order.total });
const greet = step("greet", { run: (name: string) => `Dear ${name}` });

export function matchCoversEveryLabel(): void {
  same<Company | string>()(match(lead.tier, { hot: () => enrich(lead), warm: () => "none", cold: (tier) => tier }));
  same<Company | "cold">()(
    match(lead.tier, { hot: () => enrich(lead), warm: () => enrich.as("b")(lead), cold: (x) => x }),
  );
  same<Company | undefined>()(match(lead.vip, { true: () => enrich(lead), false: () => {} }));
  same<number>()(match(lead.tier, { hot: () => 1, otherwise: () => 2 }));
  same<number>()(match(lead.email, { "kim@example.com": () => 1, otherwise: () => 2 }));
  same<number>()(match(lead.points, { 1: () => 1, otherwise: () => 2 }));
  same<number | null>()(match(lead.name, { kim: () => 1, null: () => null, otherwise: () => 2 }));
  same<{ size: number; deep: [string] }>()(
    match.as("by-tier")(lead.tier, {
      otherwise: () => ({ size: enrich(lead).size, deep: [lead.email] as [typeof lead.email] }),
    }),
  );
  // @ts-expect-error cold is missing
  match(lead.tier, { hot: () => 1, warm: () => 2 });
  // @ts-expect-error false is missing
  match(lead.vip, { true: () => 1 });
  // @ts-expect-error no tier is called so
  match(lead.tier, { hot: () => 1, hoot: () => 2, otherwise: () => 3 });
  // @ts-expect-error a plain string needs otherwise
  match(lead.email, { "kim@example.com": () => 1 });
  // @ts-expect-error a plain number needs otherwise
  match(lead.points, { 1: () => 1 });
  // @ts-expect-error an arm is a function
  match(lead.tier, { hot: () => 1, warm: () => 2, cold: 3 });
  // @ts-expect-error an object has no label
  match(lead, { otherwise: () => 1 });
  // @ts-expect-error nor has what nothing is known of
  match(opaque, { otherwise: () => 1 });
  // @ts-expect-error a literal is known now
  match("hot", { hot: () => 1 });
}

export function matchNarrowsByAProperty(): void {
  same<string | number>()(
    match(payment, "kind", {
      card: (card) => card.last4,
      transfer: (transfer) => transfer.iban,
      cash: (cash) => cash.till,
      cheque: (cheque) => cheque.till,
    }),
  );
  same<string | number | undefined>()(
    match(perhaps, "kind", { card: (card) => card.last4, null: () => 5, otherwise: () => {} }),
  );
  same<string>()(match(lead, "tier", { otherwise: (same) => same.email }));
  // @ts-expect-error a lead's name may be missing, which is the arm `null`
  match(named, "name", { kim: () => 1 });
  match(named, "name", { kim: () => 1, null: () => 2 });
  // @ts-expect-error a card has no iban
  match(payment, "kind", { card: (card) => card.iban, otherwise: () => 1 });
  // @ts-expect-error null is missing
  match(perhaps, "kind", { card: () => 1, transfer: () => 1, cash: () => 1, cheque: () => 1 });
  // @ts-expect-error no kind is called so
  match(payment, "kind", { crad: () => 1, otherwise: () => 1 });
  // @ts-expect-error no such property
  match(payment, "sort", { otherwise: () => 1 });
}

export function whenNarrowsByPresent(): void {
  same<Company | undefined>()(when(gte(lead.points, 80), () => enrich(lead)));
  same<Company | number>()(
    when(
      lead.vip,
      () => enrich(lead),
      () => 1,
    ),
  );
  same<string>()(
    when(
      present(lead.name),
      (name) => greet(name),
      () => "nobody",
    ),
  );
  same<NonNullable<Lead["address"]> | undefined>()(when.as("home")(present(lead.address), (home) => home));
  // @ts-expect-error without `present` nothing is narrowed
  when(lead.vip, (vip) => vip);
  // @ts-expect-error a literal is known now
  when(true, () => 1);
  // @ts-expect-error a number is no condition
  when(lead.points, () => 1);
  // @ts-expect-error a value that may be missing is no condition
  when(lead.name, () => 1);
}

export function expressionsAreTyped(): void {
  same<boolean>()(all(eq(lead.tier, "hot"), any(lead.vip, not(oneOf(lead.tier, ["hot", "warm"]))), present(lead.name)));
  same<boolean>()(gt(lead.points, enrich(lead).size));
  same<boolean>()(gt(lead.email, "m"));
  eq(lead.name, undefined);
  oneOf(lead.email, lead.tags);
  // @ts-expect-error no tier is called so
  eq(lead.tier, "hoot");
  // @ts-expect-error numbers with numbers
  gte(lead.points, "80");
  // @ts-expect-error a lead has no order
  gte(lead, 80);
  // @ts-expect-error no tier is called so
  oneOf(lead.tier, ["hoot"]);
  // @ts-expect-error conditions only
  all(lead.points);
  // @ts-expect-error conditions only
  not("x");
}

export function eachLiftsItsItems(): void {
  same<number[]>()(each(lead.orders, (order) => price(order)));
  same<{ id: string; of: string }[]>()(
    each.as("all")(lead.orders, ({ id }) => ({ id, of: lead.email }), { concurrency: 5 }),
  );
  same<flow.Collected<number>[]>()(each(lead.orders, (order) => price(order), { onError: "collect" }));
  same<string[]>()(each(["de", "fr"], (country) => greet(country)));
  same<number[]>()(each([enrich(lead)], (company) => company.size));
  same<string[]>()(each(lead.tags, (tag) => tag));
  // Who is not heard of is null; what failed before enough had completed is told.
  same<(number | null)[]>()(each(lead.orders, (order) => price(order), { enough: 2, rest: "stop" }));
  same<(number | null)[]>()(each(lead.orders, (order) => price(order), { enough: lead.points, rest: "finish" }));
  same<(flow.Collected<number> | null)[]>()(
    each(lead.orders, (order) => price(order), { enough: 2, rest: "finish", onError: "collect", concurrency: 5 }),
  );
  // @ts-expect-error what becomes of the rest has to be said
  each(lead.orders, (order) => price(order), { enough: 2 });
  // @ts-expect-error there is no rest
  each(lead.orders, (order) => price(order), { rest: "stop" });
  // @ts-expect-error no such choice
  each(lead.orders, (order) => price(order), { enough: 2, rest: "wait" });
  // @ts-expect-error a text is no number of items
  each(lead.orders, (order) => price(order), { enough: lead.email, rest: "stop" });
  // @ts-expect-error how many may fail follows from how many are enough
  each(lead.orders, (order) => price(order), { enough: 2, rest: "stop", onError: "collect", failAbove: 1 });
  // @ts-expect-error a lead is no list
  each(lead, (item) => item);
  // @ts-expect-error an order is no name
  each(lead.orders, (order) => greet(order));
  // @ts-expect-error no such option
  each(lead.orders, (order) => price(order), { paralel: 5 });
  // @ts-expect-error no such choice
  each(lead.orders, (order) => price(order), { onError: "ignore" });
}

export function deriveComputesWithData(): void {
  same<{ sum: number; tier: "hot" | "warm" | "cold" }>()(
    derive(lead, enrich(lead), { of: lead.tier }, (one, company, { of }) => ({
      sum: one.points + company.size,
      tier: of,
    })),
  );
  same<string>()(derive.as("name")(lead.name, (name) => name ?? "nobody"));
  // @ts-expect-error a Date is not JSON
  derive(lead.points, (points) => new Date(points));
  // @ts-expect-error a promise is not JSON
  derive(lead.points, async (points) => points);
  // @ts-expect-error the function stands last
  derive((points: number) => points, lead.points);
}

export function afterAnswersWhatItsCallbackDoes(): void {
  const company: flow.Lifted<Company> = after([lead.email, { x: lead.vip }], () => enrich(lead));
  same<Company>()(company);
  // @ts-expect-error a text is nothing to wait for
  after("enrich", () => enrich(lead));
}

export function sleepsTakeDurationsAndMoments(): void {
  same<null>()(sleep("3 days"));
  same<null>()(sleep.as("pause")(500));
  same<null>()(sleepUntil(lead.points));
  same<null>()(sleepUntil.as("then")(lead.email));
  sleepUntil("2026-05-01T09:30:00Z");
  after(sleep("2h"), () => enrich(lead));
  // @ts-expect-error a duration is known when the workflow is drawn
  sleep(lead.email);
  // @ts-expect-error a Date is no moment that JSON says
  sleepUntil(new Date());
  // @ts-expect-error a yes or no is no moment
  sleepUntil(lead.vip);
}

export function waitsTakeWhatTheirSchemaSays(): void {
  same<unknown>()(waitFor("paid"));
  same<{ euro: number }>()(waitFor<{ euro: number }>("paid"));
  const payment = z.object({ euro: z.number(), at: z.string().default("") });
  const paid = waitFor("paid", { schema: payment, for: lead.email });
  same<{ euro: number; at: string }>()(paid);
  same<number>()(paid.euro);
  same<{ euro: number; at: string } | Company>()(
    waitFor("paid", { schema: payment, timeout: "1h", otherwise: () => enrich(lead) }),
  );
  same<{ euro: number; at: string } | null>()(
    waitFor.as("late")("paid", { schema: payment, timeout: 500, otherwise: () => null }),
  );
  // @ts-expect-error without a timeout, nothing leads to `otherwise`
  waitFor("paid", { schema: payment, otherwise: () => null });
  // @ts-expect-error a duration is known when the workflow is drawn
  waitFor("paid", { timeout: lead.email });
  // @ts-expect-error a yes or no is nothing that a signal could be for
  waitFor("paid", { for: lead.vip });
  // @ts-expect-error what this schema makes is not JSON
  waitFor("paid", { schema: z.object({ at: z.date() }) });
  // @ts-expect-error a value is no boolean
  if (paid) return;
}

declare const invoice: flow.Workflow<{ order: number; note?: string }, { euro: number }>;
declare const sweep: flow.Workflow<undefined, string>;

export function callsTakeAndAnswerWhatTheirWorkflowSays(): void {
  const sent = call(invoice, { order: lead.orders[0]!.total });
  same<{ euro: number }>()(sent);
  same<number>()(sent.euro);
  same<{ euro: number }>()(call.as("again")(() => invoice, { order: 5 }));
  same<string>()(call(sweep));
  same<unknown>()(call("by-name", { lead }));
  // @ts-expect-error an order's number is none
  call(invoice, { order: lead.email });
  // @ts-expect-error it needs an input
  call(invoice);
  // @ts-expect-error a step is called by itself
  call(enrich, lead);
  // @ts-expect-error a value is no boolean
  if (sent) return;
}
