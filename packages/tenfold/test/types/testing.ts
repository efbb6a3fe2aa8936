/** What a stub may take and answer, and what a test is told of calls and results. */
import { z } from "zod";
import { step, workflow, type Lifted, type Step } from "../../src/flow/index.ts";
import { answers, failsFirst, takes, type StubContext, type TestEnvironment } from "../../src/testing/index.ts";
import type { Company, Lead } from "./lead.ts";

declare const test: TestEnvironment;
declare const use: (value: unknown) => void;

const enrich = step("enrich", { run: async (lead: Lead): Promise<Company> => ({ size: lead.points, industry: "x" }) });
const Day = z.object({ day: z.coerce.number() });
const date = step("date", {
  input: Day,
  output: z.date().transform((at) => at.toISOString()),
  run: ({ day }) => new Date(day),
});
const ping = step("ping", { run() {} });
const flow = workflow("flow", { flow: (lead: Lifted<Lead>) => enrich(lead) });
const company: Company = { size: 1, industry: "x" };

export function aStubIsTypedByItsStep(): void {
  test.stub(enrich, (lead, ctx) => {
    const context: StubContext = ctx;
    use(context.wait("2s"));
    return { size: lead.points, industry: lead.email };
  });
  test.stub(enrich, async () => company, { node: "enrich" });
  test.stub(enrich.as("again").with({ timeout: "1s" }), enrich.run);
  test.stub(
    enrich,
    failsFirst(2, async (lead) => ({ size: lead.points, industry: "x" })),
  );
  test.stub(enrich, takes("20s", failsFirst(2, enrich.run, new Error("503"))));
  test.stub(enrich, answers(company, new Error("503"), company));
  test.stub(date, ({ day }) => new Date(day.toFixed()));
  test.stub(ping, () => {});
  test.stub("enrich", (lead: Lead) => lead.points);
  // @ts-expect-error another answer
  test.stub(enrich, () => ({ size: "large" }));
  // @ts-expect-error another input
  test.stub(enrich, (lead: { missing: string }) => ({ ...company, industry: lead.missing }));
  const lost = failsFirst(1, (lead: { missing: string }) => ({ ...company, industry: lead.missing }));
  // @ts-expect-error another input, further in
  test.stub(enrich, lost);
  const five = takes("2s", () => 5);
  // @ts-expect-error another answer, further in
  test.stub(enrich, five);
  // @ts-expect-error another answer among those of the list
  test.stub(enrich, answers(company, { size: "large" }));
  // @ts-expect-error the body answers what its schema encodes, not what comes of it
  test.stub(date, ({ day }) => `${day}`);
  // @ts-expect-error data is no body
  test.stub(enrich, company);
  // @ts-expect-error a workflow is no step
  test.stub(flow, () => company);
  // @ts-expect-error there is no such option
  test.stub(enrich, () => company, { at: "enrich" });
}

export async function whatIsAskedIsTyped(): Promise<void> {
  const calls = test.calls(enrich);
  const lead: Lead | undefined = calls[0]?.input;
  use(lead);
  // @ts-expect-error the input is the step's
  use(calls[0]?.input.missing);
  const day: { readonly day: number } | undefined = test.calls(date)[0]?.input;
  use(day);
  const run = await test.tenfold.start(flow, {} as Lead);
  const result: Company = await test.finish(run, { within: "1 week" });
  use(result);
  const path: readonly string[] = test.path(run.id);
  use([path, test.journal(run)[0]?.after, test.timeline(run)]);
  test.crashAfter(enrich, { node: "enrich", downFor: "1h" });
  // @ts-expect-error a duration, or milliseconds
  await test.advance(true);
  const any: Step<never, unknown, never, unknown> = enrich;
  use(test.calls(any));
}
