/** Whether a store has the transactions that its workflows' steps are written for: asked before anything runs. */
import type { StepTransaction, WorkflowDefinition } from "../flow/definition.ts";
import type { Store } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";

const STORES: Readonly<Record<StepTransaction, string>> = {
  sqlite: "an SQLite file",
  postgres: "a Postgres database",
};

/** OPTION_UNSUPPORTED for the first step that this store cannot give its transaction. */
export function checkTransactions(store: Store, definitions: Iterable<WorkflowDefinition>): void {
  const { kind } = store.transactions;
  for (const { name: workflow, steps } of definitions) {
    for (const { name: step, tx } of steps.values()) {
      if (tx === undefined || tx === kind) continue;
      const is = kind === "memory" ? "is kept in memory, which has no transactions" : `is ${STORES[kind]}`;
      const way =
        kind === "memory"
          ? `Open ${STORES[tx]}; in a test of \`tenfold/testing\`, give the step a stub.`
          : `Open ${STORES[tx]}, or write the body for this one: \`tx: "${kind}"\`.`;
      throw new TenfoldError(
        "OPTION_UNSUPPORTED",
        `The step "${step}" of workflow "${workflow}" has \`tx: "${tx}"\`, and the store ${store.name} ${is}; nothing was opened. ${way}`,
        { facts: { workflow, step, tx, store: kind } },
      );
    }
  }
}
