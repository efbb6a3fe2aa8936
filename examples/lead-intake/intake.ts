/** Starts one run per row and waits for them all; what is known, twice in the file, or refused is told apart. */
import type { RunHandle, Tenfold } from "tenfold";
import type { LeadIntake } from "./lead-intake.ts";
import type { Lead, LeadRow, RowProblem } from "./leads.ts";
import type { IntakeOutput } from "./report.ts";

/** What became of the rows of a file, before any run has finished. */
export interface Started {
  /** Each lead's own run once, by its id. */
  readonly runs: ReadonlyMap<string, RunHandle<IntakeOutput>>;
  readonly existing: { readonly fromBefore: number; readonly inThisFile: number };
  readonly rejected: readonly RowProblem[];
}

/** How many leads of these rows have no run that has ended: what a progress display counts up to. */
export async function countLeft(tenfold: Tenfold, rows: readonly LeadRow[]): Promise<number> {
  const left = new Set(rows.flatMap((row) => (row.kind === "lead" ? [row.lead.email] : [])));
  for (const status of ["completed", "failed", "cancelled"] as const) {
    for await (const run of tenfold.runs({ workflow: "lead-intake", status })) left.delete(run.key ?? "");
  }
  return left.size;
}

export async function startLeads(tenfold: Tenfold, workflow: LeadIntake, rows: readonly LeadRow[]): Promise<Started> {
  const runs = new Map<string, RunHandle<IntakeOutput>>();
  const rejected: RowProblem[] = [];
  const sentRows: number[] = [];
  let fromBefore = 0;
  let inThisFile = 0;

  function* goodLeads(): Generator<Lead> {
    for (const row of rows) {
      if (row.kind === "problem") {
        rejected.push({ row: row.row, column: row.column, reason: row.reason });
      } else {
        sentRows.push(row.row);
        yield row.lead;
      }
    }
  }

  let answers = 0;
  for await (const answer of tenfold.startMany(workflow, goodLeads())) {
    const row = sentRows[answers++]!; // answers come in the order of the leads
    switch (answer.kind) {
      case "started":
        runs.set(answer.run.id, answer.run);
        break;
      case "existing":
        if (runs.has(answer.run.id)) inThisFile++;
        else fromBefore++;
        runs.set(answer.run.id, answer.run);
        break;
      case "refused":
        rejected.push({ row, ...problemOf(answer.error) });
    }
  }
  return { runs, existing: { fromBefore, inThisFile }, rejected: rejected.sort((one, other) => one.row - other.row) };
}

type Finish =
  | { readonly kind: "completed"; readonly output: IntakeOutput }
  | { readonly kind: "failed"; readonly run: string; readonly reason: string };

/** Waits until every run has finished, well or not. */
export async function finishAll(tenfold: Tenfold, runs: Started["runs"]) {
  const heldAgain = new Map<string, (reason: string) => void>();
  const finishing = runs.values().map((run) => {
    return new Promise<Finish>((resolve) => {
      const fail = (reason: string) => resolve({ kind: "failed", run: run.id, reason });
      heldAgain.set(run.id, fail);
      run.result().then(
        (output) => resolve({ kind: "completed", output }),
        (error: Error) => fail(error.message),
      );
    });
  });
  const finished = Promise.all(finishing);
  await releaseHeld(tenfold, (run, reason) => heldAgain.get(run)?.(reason));
  const finishes = await finished;
  return {
    outputs: finishes.flatMap((finish) => (finish.kind === "completed" ? [finish.output] : [])),
    failures: finishes.flatMap((finish) => (finish.kind === "failed" ? [finish] : [])),
  };
}

/**
 * Lets every held run go on, once. A run is held when three workers died while they drove it, as after three times
 * kill -9: whoever starts the program again has seen that. One that is held once more stays so, and is told.
 */
async function releaseHeld(tenfold: Tenfold, heldAgain: (run: string, reason: string) => void): Promise<void> {
  const heldRuns = { workflow: "lead-intake", status: "held" } as const;
  const released = new Set<string>();
  tenfold.on("run", ({ run, status, error }) => {
    if (status !== "held") return;
    if (released.has(run)) return heldAgain(run, error ?? "held");
    released.add(run);
    tenfold.retry(heldRuns).catch((refused: Error) => heldAgain(run, refused.message));
  });
  await tenfold.retry(heldRuns);
}

function problemOf(error: { readonly code: string; readonly message: string }): Omit<RowProblem, "row"> {
  if (error.code !== "KEY_CONFLICT") return { column: null, reason: error.message };
  return { column: "email", reason: "was taken in before, with other details; what this row says anew was not" };
}
