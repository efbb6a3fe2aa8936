/**
 * What the examples of docs/reference/patterns.md are tried with: an environment on a clock that stands still, and steps
 * that reach its client, as those of a program reach the one that it opened.
 */
import { step, type Tenfold, type Workflow } from "tenfold";
import { openTest } from "tenfold/testing";

export type Environment = Awaited<ReturnType<typeof openTest>>;

let opened: Tenfold | undefined;

/** The client of the environment that was opened last: one test runs at a time. */
export function client(): Tenfold {
  return opened!;
}

/** An environment for workflows; `await using` closes it. */
export async function openTrial(...workflows: readonly Workflow<never, unknown>[]): Promise<Environment> {
  const environment = await openTest({ workflows });
  opened = environment.tenfold;
  return environment;
}

interface Note {
  readonly signal: string;
  readonly what?: unknown;
}

/** A run tells itself something: a signal that is kept, in order, and taken once. */
export const tell = step("tell", {
  run: ({ signal, what }: Note, ctx) => client().signal(ctx.run.id, signal, what ?? null, { id: ctx.key }),
});

/** When each call of a step began, since its run did. */
export function begins(environment: Environment, name: string): readonly string[] {
  return environment.calls(name).map(({ after }) => after);
}
