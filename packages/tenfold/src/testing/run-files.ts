/** The files of a run as a test compares them: whole, in memory. */
import type { FileView } from "../flow/files.ts";
import { inOrder, knownFile } from "../engine/stored-file.ts";
import type { KeptFile } from "../store/memory-lane.ts";

/** A file that a step wrote; its id, which no test can foresee, is left out. */
export interface TestFile extends Omit<FileView, "file"> {
  readonly bytes: Uint8Array;
  /** The bytes as UTF-8. */
  readonly text: string;
}

/** Those that are whole, the first written first. */
export function filesOf(kept: readonly KeptFile[]): readonly TestFile[] {
  const whole = inOrder(kept.map(knownFile).filter((file) => file !== undefined));
  return whole.map(({ view: { file, ...view } }) => {
    const { bytes: parts } = kept.find((each) => each.file === file)!;
    const bytes = Buffer.concat(Array.from({ length: parts.size }, (_, seq) => parts.get(seq)!));
    return { ...view, bytes: new Uint8Array(bytes), text: bytes.toString() };
  });
}
