/** `threads`: where a thread finds the body of a step that computes for long; checked, and made the definition that the engine reads. */
import { describe } from "../value/describe.ts";
import type { StepTransaction } from "./definition.ts";
import { checkOptionNames, refused } from "./options.ts";
import type { ThreadModule } from "./thread-module.ts";

/** The module that a thread imports to call a step's body: `import.meta.url`, of the file that defines the step. */
export type ThreadOptions = string | URL | ThreadModule<string | URL>;

const THREADS = { known: ["module", "export"], later: [] };

/** The definition; `owner` is for example `step "render"`. */
export function checkThreads(owner: string, threads: unknown, tx: StepTransaction | undefined): ThreadModule {
  const checked = checkPlace(owner, threads);
  if (tx === undefined) return checked;
  const way = "Leave one of them out: a transaction is where its store is, and that is not in the thread.";
  throw refused("STEP_INVALID", owner, "it has both `threads` and `tx`", way);
}

function checkPlace(owner: string, threads: unknown): ThreadModule {
  if (typeof threads === "string" || threads instanceof URL)
    return Object.freeze({ module: checkModule(owner, threads) });
  if (typeof threads !== "object" || threads === null || Array.isArray(threads)) throw noModule(owner, threads);
  checkOptionNames(`the threads of ${owner}`, threads, THREADS, "STEP_INVALID");
  const { module, export: exported } = threads as ThreadModule<unknown>;
  const checked = checkModule(owner, module);
  if (exported === undefined) return Object.freeze({ module: checked });
  if (typeof exported === "string" && exported !== "") return Object.freeze({ module: checked, export: exported });
  const way = 'Give the name under which its module exports the step: `export: "render"`.';
  throw refused("STEP_INVALID", owner, `its \`threads.export\` is ${describe(exported)}`, way);
}

function checkModule(owner: string, given: unknown): string {
  const module = given instanceof URL ? given.href : given;
  if (typeof module === "string" && module.startsWith("file:///")) return module;
  throw noModule(owner, given);
}

function noModule(owner: string, given: unknown): Error {
  const way =
    "Write `threads: import.meta.url`: a thread imports the file that defines the step, and finds it there among what is exported.";
  return refused("STEP_INVALID", owner, `its \`threads\` is ${describe(given)}, which is no file URL`, way);
}
