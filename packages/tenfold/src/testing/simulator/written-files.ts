/** Files that bodies of a simulation write, and what must be there of them once their run has ended. */
import type { FileRef } from "../../flow/files.ts";
import type { StepContext } from "../../flow/definition.ts";
import type { Entry } from "../../core/entry.ts";
import { hash32 } from "../../value/hash.ts";
import type { OpenBook } from "./open-book.ts";
import { Violation } from "./violation.ts";

/** More than one part. */
const LARGE_BYTES = 300_000;

export function writesFile(run: string, node: string): boolean {
  return hash32(`${run} ${node} file`) % 4 === 0;
}

export function writeFile({ run, node, attempt, files }: StepContext): Promise<FileRef> {
  return files.write("f", contentOf(run.id, node, attempt));
}

function contentOf(run: string, node: string, attempt: number): string {
  const text = `${attempt} ${run} ${node}`;
  return hash32(text) % 10 === 0 ? text.padEnd(LARGE_BYTES) : text;
}

/** `wrote`: attempts that were told that their file is kept. */
export function checkFiles(
  book: OpenBook,
  run: string,
  entries: readonly Entry[],
  wrote: (node: string, attempt: number) => boolean,
): void {
  const byNode = Map.groupBy(book.files(run), ({ node }) => node);
  for (const [node, files] of byNode) {
    if (files.length > 1) throw new Violation("a node has one file of a name", { run, node, files: files.length });
    const [attempt] = files[0]!.text.split(" ", 1);
    if (files[0]!.text !== contentOf(run, node, Number(attempt)))
      throw new Violation("a file that is there is whole", { run, node, length: files[0]!.text.length });
  }
  const begun = book.filesBegun(run);
  for (const [nth, entry] of entries.entries()) {
    if (entry.kind !== "done" || !wrote(entry.node, entry.attempt)) continue;
    if (begun.includes(entry.node))
      throw new Violation("what was given up of a file goes when it is written again", { run, entry });
    const text = byNode.get(entry.node)?.[0]?.text;
    // Its node has begun anew since, and counts its attempts from the first, or from one that was turned away.
    const last = Number(text?.split(" ", 1)[0]);
    const isAnew = last < entry.attempt || entries.slice(nth).some(({ kind }) => kind === "retried");
    if (isAnew && wrote(entry.node, last)) continue;
    if (text !== contentOf(run, entry.node, entry.attempt))
      throw new Violation("the file of a node is that of the attempt that is recorded", { run, entry, text: text?.slice(0, 99) }); // prettier-ignore
  }
}
