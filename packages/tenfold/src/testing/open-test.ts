/** `openTest`: checks what a test asks for, and opens its environment. */
import {
  CHECKED_APART,
  checkOptions,
  isFlag,
  isLog,
  isText,
  isWorkflow,
  optional,
  type OptionForm,
} from "../engine/caller-checks.ts";
import type { Log } from "../engine/ports.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { durationMs, type Duration } from "../value/duration.ts";
import { instantMs } from "../value/instant.ts";
import { TestEnvironment } from "./environment.ts";

export interface TestOptions {
  readonly workflows: readonly WorkflowDefinition[];
  /** Virtual time at the start: ms since 1970, or an ISO 8601 text with its offset; "2026-01-01T00:00:00Z" by default. */
  readonly now?: string | number;
  /** What chance is drawn from: another seed gives other ids and other delays between attempts. */
  readonly seed?: string | number;
  /** True: a step without a stub is not called (STUB_MISSING); false by default. */
  readonly strict?: boolean;
  /** How long (real time) a body may take before the test is told which one it waits for; "4s" by default. */
  readonly patience?: Duration;
  /** Where bodies and the engine log to; nowhere by default. */
  readonly log?: Log;
}

const OPTIONS: Readonly<Record<keyof TestOptions, OptionForm>> = {
  workflows: {
    fits: (value) => Array.isArray(value) && value.every(isWorkflow),
    way: "Give a list of what `workflow(…)` answered, and of nothing else.",
  },
  now: CHECKED_APART,
  seed: optional((value) => isText(value) || Number.isFinite(value), "Give a text or a number."),
  strict: optional(isFlag, "Give true or false."),
  patience: CHECKED_APART,
  log: optional(isLog, "Give an object with `write(level, message, facts)`."),
};

const NOW = "2026-01-01T00:00:00Z";
/** Shorter than the 5 seconds after which most runners give up a test without a word of why. */
const PATIENCE = "4s";

/** Opens the workflows in memory, on a clock that only the test moves. */
export async function openTest(options: TestOptions): Promise<TestEnvironment> {
  checkOptions("openTest", options, OPTIONS, "nothing was opened");
  const { workflows, now = NOW, seed = "tenfold", strict = false, patience = PATIENCE } = options;
  return TestEnvironment.open({
    workflows,
    now: instantMs(now, "`now`"),
    seed,
    isStrict: strict,
    patienceMs: durationMs(patience, "`patience`"),
    log: options.log ?? { write: () => {} },
  });
}
