/** What a body is given where no engine calls it: the plain context of `enrich.run(input)` in a unit test. */
import { seededRandom, uuidFrom } from "../value/random.ts";
import { TenfoldError } from "../value/error.ts";
import type { BatchContext } from "./batch.ts";
import type { StepContext } from "./definition.ts";
import type { StepFiles } from "./files.ts";

/** A context whose chance is derived from its key, whose log is silent, and whose time stands still at 0. */
export function testContext(step: string, { key = "test" }: Pick<Partial<StepContext>, "key">): StepContext {
  const random = seededRandom(key);
  const silent = (): void => {};
  return {
    key,
    attempt: 1,
    signal: new AbortController().signal,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    run: { id: "test", workflow: "test", key: null, tenant: "" },
    node: step,
    progress: silent,
    spent: silent,
    files: noFiles(step),
    random,
    uuid: () => uuidFrom(random),
    now: () => 0,
  };
}

/** The same for a body that is given several inputs. */
export function testBatchContext(step: string, inputs: readonly unknown[]): BatchContext {
  const items = inputs.map((_, nth) => testContext(step, { key: `test ${nth}` }));
  return { items, signal: new AbortController().signal };
}

function noFiles(step: string): StepFiles {
  const refuse = (): never => {
    throw new TenfoldError(
      "FILE_NOT_KEPT",
      `${step} was called outside of a run, which has no files; nothing was written or read. Give it some: \`${step}.run(input, { files: memoryFiles() })\`, from "tenfold/testing".`,
    );
  };
  return { write: refuse, read: refuse, list: refuse };
}
