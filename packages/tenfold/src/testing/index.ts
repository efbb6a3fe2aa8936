/** What `import … from "tenfold/testing"` gives. */
export type { Call, UndoCall } from "./call-log.ts";
export type { CrashOptions, TestEnvironment } from "./environment.ts";
export { memoryFiles } from "./memory-files.ts";
export { openTest, type TestOptions } from "./open-test.ts";
export type { TestFile } from "./run-files.ts";
export type { TestEntry } from "./run-journal.ts";
export type { NamedRun } from "./seen-runs.ts";
export { answers, failsFirst, takes, type StubBody, type StubContext, type StubUndo } from "./stub-bodies.ts";
export type { NamedStep, NodeChoice } from "./stubs.ts";
