/** What a step's body may take and answer. */
import { z } from "zod";
import { step, type Lifted, type Step, type StepContext } from "../../src/flow/index.ts";
import { same, type Company, type Lead } from "./lead.ts";

declare const lead: Lifted<Lead>;
declare const use: (value: unknown) => void;

interface Tree {
  readonly value: number;
  readonly children: readonly Tree[];
}

class Money {
  readonly cents = 5;
  format(): string {
    return `${this.cents}`;
  }
}

const Contact = z.object({ email: z.string(), since: z.coerce.number(), at: z.string().default("home") });

export function typesComeFromTheBody(): void {
  const enrich = step("enrich", {
    retry: { attempts: 5, first: "1s", unless: (error) => error instanceof RangeError },
    timeout: "10s",
    async run(input: Lead, ctx): Promise<Company> {
      const context: StepContext = ctx;
      return { size: input.points, industry: context.key };
    },
  });
  same<Company>()(enrich(lead));
  same<Company>()(enrich.as("enrich-again").with({ timeout: 500 })(lead));
  same<Company>()(enrich.with({ retry: { attempts: 1 } }).as("enrich-once")(lead));
  const charge = step("charge", {
    run: (input: Lead): Company => ({ size: input.points, industry: "bank" }),
    undo(input, output, ctx) {
      const whole: Lead = input;
      const company: Company | undefined = output;
      const context: StepContext = ctx;
      // @ts-expect-error what was done may not have happened
      use(output.size);
      use([whole, company, context]);
    },
  });
  same<Company>()(charge(lead));
  step("late", {
    async run(input: Lead, ctx): Promise<Company> {
      return { size: input.points, industry: ctx.key };
    },
    async undo(input, output) {
      const whole: Lead = input;
      const company: Company | undefined = output;
      use([whole, company]);
    },
  });
  const tier = step("tier", { run: ({ points }: { points: number }) => (points > 80 ? "hot" : "cold") });
  same<"hot" | "cold">()(tier({ points: lead.points }));
  same<undefined>()(step("ping", { run() {} })());
  same<undefined>()(step("ping", { async run() {} })());
  same<unknown>()(step("wild", { run: (input: Lead): any => input })(lead));
  same<Tree>()(step("tree", { run: (): Tree => ({ value: 1, children: [] }) })());
  same<number | undefined>()(step("some", { run: (n: number) => (n > 1 ? n : undefined) })(lead.points));
  const inTest: Company | Promise<Company> = enrich.run({} as Lead);
  use([inTest, enrich.run({} as Lead, { attempt: 2 }), enrich.definition.name]);
  const general: Step<never, unknown, never, unknown> = enrich;
  use(general);
  // @ts-expect-error the body takes data, not a value
  use(enrich.run(lead));
}

export function typesComeFromSchemas(): void {
  const parsed = step("parsed", { input: Contact, run: (contact) => `${contact.since.toFixed()} ${contact.at}` });
  same<string>()(parsed({ email: lead.email, since: lead.points }));
  same<string>()(parsed({ email: "kim@example.com", since: "2026", at: "work" }));
  const encoded = step("encoded", {
    output: z.date().transform((date) => date.toISOString()),
    run: async (input: Lead) => new Date(input.points),
  });
  same<string>()(encoded(lead));
  const both = step("both", {
    input: Contact,
    output: z.object({ kind: z.enum(["a", "b"]) }),
    run: (contact) => ({ kind: contact.since > 1 ? "a" : "b" }),
  });
  same<{ kind: "a" | "b" }>()(both({ email: "x", since: 5 }));
  // @ts-expect-error the schema wants an email
  parsed({ since: 5 });
  // @ts-expect-error the body sees the schema's output
  step("wrong", { input: Contact, run: (contact) => contact.missing });
  // @ts-expect-error the body answers what the output schema takes
  step("wrong", { output: z.object({ size: z.number() }), run: () => ({ size: "5" }) });
}

export function whatIsNotJsonDoesNotCompile(): void {
  // @ts-expect-error a Date
  step("wrong", { run: () => new Date() });
  // @ts-expect-error a Date inside
  step("wrong", { run: () => ({ at: [{ on: new Date() }] }) });
  // @ts-expect-error a Date behind a promise
  step("wrong", { run: async () => ({ at: new Date() }) });
  // @ts-expect-error a Map
  step("wrong", { run: () => new Map<string, string>() });
  // @ts-expect-error an instance of a class
  step("wrong", { run: () => ({ price: new Money() }) });
  // @ts-expect-error a function
  step("wrong", { run: () => ({ later: () => 1 }) });
  // @ts-expect-error a bigint
  step("wrong", { run: () => 1n });
  // @ts-expect-error a symbol
  step("wrong", { run: () => Symbol("x") });
  // @ts-expect-error sometimes a Date
  step("wrong", { run: (n: number) => (n > 1 ? n : new Date()) });
  // @ts-expect-error what it is given is no JSON
  step("wrong", { run: (at: Date) => at.getTime() });
  // @ts-expect-error what the schema makes is no JSON
  step("wrong", { output: z.date(), run: () => new Date() });
  // @ts-expect-error what the schema takes is no JSON
  step("wrong", { input: z.date(), run: (at) => at.getTime() });
}

export function optionsAreChecked(): void {
  // @ts-expect-error no such option
  step("wrong", { timout: "10s", run() {} });
  // @ts-expect-error not in this release
  step("wrong", { pure: true, run() {} });
  // @ts-expect-error no such option of retry
  step("wrong", { retry: { attemts: 5 }, run() {} });
  // @ts-expect-error a share in percent
  step("wrong", { retry: { budget: "ten" }, run() {} });
  // @ts-expect-error no body
  step("wrong", {});
  // @ts-expect-error no such option of a use
  step("fine", { run() {} }).with({ input: Contact });
}

export function whatIsUndefinedIsLeftOut(): void {
  step("bare", { output: undefined, run: (n: number) => n });
}
