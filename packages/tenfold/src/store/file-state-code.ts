/** How tables write what a file has come to. Invariant: a code never changes its meaning. */
import type { FileState } from "./files.ts";

export const FILE_STATES: readonly FileState[] = ["begun", "whole", "removed"];

export const [BEGUN, WHOLE, REMOVED] = [0, 1, 2] as const;
