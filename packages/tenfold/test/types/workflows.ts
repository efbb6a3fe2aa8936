/** Where a workflow's input and output types come from. */
import { z } from "zod";
import {
  step,
  workflow,
  type Lifted,
  type Workflow,
  type WorkflowInput,
  type WorkflowOutput,
} from "../../src/flow/index.ts";
import type { Tenfold } from "../../src/engine/client.ts";
import type { Company, Lead } from "./lead.ts";

const Contact = z.object({ email: z.string(), since: z.coerce.number(), at: z.string().default("home") });
const enrich = step("enrich", { run: (input: Lead): Company => ({ size: input.points, industry: "retail" }) });
const greet = step("greet", { run: (name: string) => `Dear ${name}` });

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const proves = <_ extends true>(): void => {};

export function fromASchema(): void {
  const defined = workflow("from-schema", {
    input: Contact,
    key: (contact) => contact.at.toUpperCase(),
    attributes: (contact) => ({ since: contact.since }),
    expect: { volume: "500/day", finish: "p95 < 2m" },
    flow(contact) {
      return { letter: greet(contact.email), since: contact.since, copies: [1, 2] };
    },
  });
  proves<Equal<WorkflowInput<typeof defined>, z.input<typeof Contact>>>();
  proves<Equal<WorkflowOutput<typeof defined>, { letter: string; since: number; copies: number[] }>>();
  const general: Workflow<never, unknown> = defined;
  void general;
  // @ts-expect-error what is stored has to be JSON
  workflow("wrong", { input: z.object({ at: z.date() }), flow: (input) => input });
  // @ts-expect-error an attribute is a text, a number, true or false
  workflow("wrong", { input: Contact, attributes: (contact) => ({ contact }), flow: (input) => input });
  // @ts-expect-error the key is a string
  workflow("wrong", { input: Contact, key: (contact) => contact.since, flow: (input) => input });
  // @ts-expect-error no such property
  workflow("wrong", { input: Contact, flow: (input) => input.missing });
}

export function fromTheAnnotatedParameter(): void {
  const defined = workflow("annotated", { key: (lead) => lead.email, flow: (lead: Lifted<Lead>) => enrich(lead) });
  proves<Equal<WorkflowInput<typeof defined>, Lead>>();
  proves<Equal<WorkflowOutput<typeof defined>, Company>>();
  const nothing = workflow("nothing", {
    flow(lead: Lifted<Lead>) {
      enrich(lead);
    },
  });
  proves<Equal<WorkflowOutput<typeof nothing>, undefined>>();
  // @ts-expect-error a workflow is given JSON
  workflow("wrong", { flow: (at: Lifted<Date>) => at });
}

export function fromAnExplicitGeneric(): void {
  const defined = workflow<Lead>("explicit", { key: (lead) => lead.email, flow: (lead) => enrich(lead) });
  proves<Equal<WorkflowInput<typeof defined>, Lead>>();
  const both = workflow<Lead, Company>("both", { flow: (lead) => enrich(lead) });
  proves<Equal<WorkflowOutput<typeof both>, Company>>();
  // @ts-expect-error a letter is no company
  workflow<Lead, Company>("wrong", { flow: (lead) => greet(lead.email) });
}

export function starts(tenfold: Tenfold): void {
  const defined = workflow("debounced", {
    key: (lead) => lead.email,
    debounce: { wait: "10s", max: "5m" },
    flow: (lead: Lifted<Lead>) => enrich(lead),
  });
  proves<Equal<WorkflowInput<typeof defined>, Lead>>();
  // @ts-expect-error how long is missing
  workflow("wrong", { key: (lead) => lead.email, debounce: { max: "5m" }, flow: (lead: Lifted<Lead>) => lead });
  void tenfold.start(defined, {} as Lead, { ifRunning: "join" });
  // @ts-expect-error no such word
  void tenfold.start(defined, {} as Lead, { ifRunning: "wait" });
}

export function optionsAreChecked(): void {
  // @ts-expect-error no such option
  workflow("wrong", { flwo: () => {} });
  // @ts-expect-error not in this release
  workflow("wrong", { deadline: "3 days", flow: (lead: Lifted<Lead>) => lead });
  // @ts-expect-error no such objective
  workflow("wrong", { expect: { volum: "500/day" }, flow: (lead: Lifted<Lead>) => lead });
}
