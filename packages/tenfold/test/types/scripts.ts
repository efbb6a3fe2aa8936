/** What scripts take and answer, and what their calls are to TypeScript. */
import { z } from "zod";
import { script, step, workflow, type Workflow, type WorkflowOutput } from "../../src/flow/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const proves = <_ extends true>(): void => {};

const search = step("search", { run: (text: string) => ({ found: text, at: 1 }) });
const noted = step("noted", { run: (): void => {} });
declare const child: Workflow<{ id: string }, { total: number }>;

export const agent = script("agent", async (ctx, question: string) => {
  const result = await ctx.call(search, question);
  proves<Equal<typeof result, { found: string; at: number }>>();
  const all = await ctx.all([ctx.call(search.as("again"), "x"), ctx.sleep("1 day"), 5]);
  proves<Equal<typeof all, [{ found: string; at: number }, null, 5]>>();
  const { total } = await ctx.call(child, { id: "a" });
  await ctx.call(noted);
  const said = await ctx.waitFor<{ yes: boolean }>("said", { for: 7, timeout: "1 day" });
  // @ts-expect-error a step takes what it takes
  await ctx.call(search, 5);
  // @ts-expect-error a child is given its input
  await ctx.call(child, { name: "a" });
  // @ts-expect-error what it needs is not left out
  await ctx.call(search);
  return { total, yes: said.yes };
});

export const told = script(
  "told",
  { signals: { paid: z.object({ euro: z.coerce.number() }), stopped: null } },
  async (ctx, question: string) => {
    const paid = await ctx.waitFor("paid", { timeout: "1 day" });
    proves<Equal<typeof paid, { euro: number }>>();
    const stopped = await ctx.waitFor("stopped");
    proves<Equal<typeof stopped, unknown>>();
    const as = await ctx.waitFor<{ why: string }>("stopped");
    proves<Equal<typeof as, { why: string }>>();
    // @ts-expect-error it is none of those that it may wait for
    await ctx.waitFor("payd");
    return { euro: paid.euro, question };
  },
);

export const bounded = script("bounded", { max: 5 }, async (ctx, question: string) => {
  const any = await ctx.waitFor("whatever");
  proves<Equal<typeof any, unknown>>();
  return question;
});

export const asked = workflow<{ text: string }, { total: number; yes: boolean }>("asked", {
  flow(input) {
    // @ts-expect-error a script takes what it takes
    agent.as("wrong")(input);
    return agent(input.text);
  },
});

const inferred = workflow("inferred", { flow: () => ({ of: agent("x"), yes: agent.as("second")("y").yes }) });
proves<Equal<WorkflowOutput<typeof inferred>, { of: { total: number; yes: boolean }; yes: boolean }>>();

// @ts-expect-error what a script answers is JSON
script("wrong", async () => new Date());
