/** Asks a person before something is done that cannot be taken back easily. */
import { createInterface } from "node:readline/promises";
import { tableLines } from "./columns.ts";
import type { RunCount } from "../engine/listing.ts";
import { paintStatus } from "./status.ts";
import type { Terminal } from "./terminal.ts";
import { countText } from "./time-text.ts";

/** Runs by workflow and status, as a table. */
export function countLines(terminal: Terminal, counts: readonly RunCount[]): string[] {
  const columns = [{ title: "workflow" }, { title: "status" }, { title: "runs", align: "right" as const }];
  const cells = counts.map(({ workflow, status, runs }) => [
    workflow,
    paintStatus(terminal.paint, status),
    countText(runs),
  ]);
  return tableLines(columns, cells, terminal.columns);
}

/** Whether somebody says yes; what else they do, Ctrl-C included, is no. */
export async function isAgreed({ stdin, stderr }: Terminal, question: string): Promise<boolean> {
  const asking = createInterface({ input: stdin, output: stderr });
  try {
    return /^y(es)?$/i.test((await asking.question(`${question} Go on? [y/N] `)).trim());
  } catch {
    return false;
  } finally {
    asking.close();
  }
}
