/** Checks what a step promises beyond "at least once": `once`, at most once, and `tx`, exactly once. */
import { describe } from "../value/describe.ts";
import type { StepDefinition, StepOverrides, StepTransaction } from "./definition.ts";
import { refused } from "./options.ts";

type Promised = Pick<StepDefinition, "once" | "tx">;

export interface PromiseOptions {
  readonly once?: unknown;
  readonly tx?: unknown;
}

/** Answers just them. */
export function checkPromises(
  owner: string,
  { once, tx, timeout }: PromiseOptions & Pick<StepOverrides, "timeout">,
  isAsync: boolean,
): Promised {
  if (once !== undefined && typeof once !== "boolean") {
    throw refused("STEP_INVALID", owner, `its \`once\` is ${describe(once)}`, "Write `once: true`, or leave it out.");
  }
  if (tx === undefined) return once === true ? { once } : {};
  if (tx !== "sqlite" && tx !== "postgres") {
    const way = 'Write `tx: "postgres"` or `tx: "sqlite"`: the body is written for the transactions of that store.';
    throw refused("STEP_INVALID", owner, `its \`tx\` is ${describe(tx)}`, way);
  }
  if (once === true) {
    const way =
      "Leave `once` out if all that it does is written to the database: `tx` is exactly once. Leave `tx` out if it does something outside of it.";
    throw refused("STEP_INVALID", owner, "it has both `once` and `tx`", way);
  }
  if (tx === "postgres") return { tx };
  if (isAsync) {
    const way =
      "Make it a plain function: it has the store's file to itself while it runs, and `ctx.tx` answers at once. What has to be waited for is a step of its own, before or after it.";
    throw refused("STEP_INVALID", owner, 'its body is async, and `tx: "sqlite"` takes none', way);
  }
  checkTimeout(owner, timeout, tx);
  return { tx };
}

/** A body that nothing can interrupt has no timeout. */
export function checkTimeout(owner: string, timeout: StepOverrides["timeout"], tx: StepTransaction | undefined): void {
  if (tx !== "sqlite" || timeout === undefined) return;
  const way = "Leave `timeout` out: nothing can interrupt a plain function.";
  throw refused("STEP_INVALID", owner, 'it has both a `timeout` and `tx: "sqlite"`', way);
}
