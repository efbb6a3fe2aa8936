/** What compiles with a value, and what does not. */
import { step, type Input, type Lifted, type Plain, type Value } from "../../src/flow/index.ts";
import { same, type Company, type Lead, type Order } from "./lead.ts";

declare const lead: Lifted<Lead>;
declare const company: Lifted<Company>;
declare const text: Lifted<string>;
declare const opaque: Lifted<unknown>;
declare const wild: Lifted<any>;
declare const counts: Lifted<Record<string, number>>;
declare const pair: Lifted<readonly [string, number]>;
declare const use: (value: unknown) => void;

export function propertiesAreValues(): void {
  same<string>()(lead.email);
  same<string | undefined>()(lead.name);
  same<string | undefined>()(lead.address.city);
  same<string | null | undefined>()(lead.address.zip);
  same<readonly string[]>()(lead.tags);
  same<number>()(lead.tags.length);
  same<Order>()(lead.orders[0]!);
  same<number>()(lead.orders[0]!.total);
  same<number>()(counts["anything"]!);
  same<string>()(pair[0]);
  same<number>()(pair[1]);
  const value: Value<Lead> = lead;
  use(value);
  // @ts-expect-error no such property
  use(company.sise);
  // @ts-expect-error the methods of strings are not those of a value
  use(text.toUpperCase());
  // @ts-expect-error the methods of arrays are not those of a value
  use(lead.orders.map((order: unknown) => order));
  // @ts-expect-error nor those of tuples
  use(pair.map((item: unknown) => item));
}

export function membersOfFunctionsAreHidden(): void {
  // @ts-expect-error a company has no name
  use(company.name);
  // @ts-expect-error a company has no length
  use(company.length);
  // @ts-expect-error a text's length is not known yet
  use(text.length);
  // @ts-expect-error a value is not applied
  use(company.apply);
  // @ts-expect-error a value is not called
  use(company.call);
  // @ts-expect-error a value is not bound
  use(company.bind);
  // @ts-expect-error a value has no prototype
  use(company.prototype);
  // @ts-expect-error a value has no arguments
  use(company.arguments);
  // @ts-expect-error a value has no caller
  use(company.caller);
  // @ts-expect-error a value has no text yet
  use(company.toString());
  // @ts-expect-error nor has a list
  use(lead.orders.name);
  // @ts-expect-error nor has what nothing is known of
  use(opaque.name);
  // @ts-expect-error any is taken for unknown
  use(wild.anything);
  same<number>()(counts.name!);
  same<number>()(counts.length!);
}

export function valuesAreNotTested(): void {
  // @ts-expect-error TS2774
  if (lead.vip) use(1);
  // @ts-expect-error TS2774
  if (company) use(1);
  // @ts-expect-error TS2774
  use(lead.vip ? 1 : 2);
  // @ts-expect-error TS2774
  use(lead.vip && use);
  // @ts-expect-error no overlap
  use(lead.tier === "hot");
  // @ts-expect-error no overlap
  use(lead.tier !== "hot");
  // @ts-expect-error no overlap
  use(lead.points === 80);
  // @ts-expect-error no overlap
  use(lead.vip === true);
  // @ts-expect-error no overlap
  use(opaque === "hot");
  // @ts-expect-error no order
  use(lead.points > 80);
  // @ts-expect-error no arithmetic
  use(lead.points * 2);
  // @ts-expect-error not called
  company();
  switch (lead.tier) {
    // @ts-expect-error no overlap
    case "hot":
      break;
  }
  // @ts-expect-error results never change
  company.size = 5;
}

const score = step("score", { run: (input: { lead: Lead; size: number; note?: string }) => input.size });
const greet = step("greet", { run: (name: string) => `Dear ${name}` });
const total = step("total", { run: (orders: readonly Order[]) => orders.length });
const ping = step("ping", { run() {} });

export function stepsTakeValuesAtAnyDepth(plain: Lead): void {
  score({ lead, size: 1 });
  score({ lead: plain, size: company.size });
  score({ lead: { ...plain, tier: lead.tier, address: { city: text, zip: null } }, size: 1 });
  score({ lead, size: 1, note: text });
  score({ lead, size: 1, note: lead.name });
  total(lead.orders);
  total([{ id: text, total: 1 }, lead.orders[0]!]);
  ping();
  ping(lead);
  const input: Input<Company> = { size: company.size, industry: "retail" };
  use(input);
  // @ts-expect-error a part is missing
  score({ lead });
  // @ts-expect-error there is no such part
  score({ lead, size: 1, nott: text });
  // @ts-expect-error a company is no lead
  score({ lead: company, size: 1 });
  // @ts-expect-error a text is no number
  score({ lead, size: text });
  // @ts-expect-error the name may be missing
  greet(lead.name);
  // @ts-expect-error there may be no address
  greet(lead.address.city);
  // @ts-expect-error nothing is known of it
  greet(opaque);
  // @ts-expect-error any is taken for unknown
  greet(wild);
  // @ts-expect-error the input is missing
  greet();
  // @ts-expect-error orders are no order
  total([lead.orders]);
}

export function resultsAreTakenForWhatTheyStandFor(): void {
  const plain: Plain<{ a: Lifted<string>; b: [Lifted<number>, 5]; c: void; d: null }> = {
    a: "x",
    b: [1, 5],
    c: undefined,
    d: null,
  };
  use(plain);
}
