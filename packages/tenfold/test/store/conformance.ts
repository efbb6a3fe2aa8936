/** The laws of the store's port, one test each: every store is held to all of them. */
import { describe } from "node:test";
import { claimLaws } from "./claim-laws.ts";
import { commitLaws } from "./commit-laws.ts";
import { fileLaws } from "./file-laws.ts";
import { eventLaws } from "./event-laws.ts";
import { eventModelLaw } from "./event-model-law.ts";
import { leaseLaws } from "./lease-laws.ts";
import { listLaws } from "./list-laws.ts";
import { modelLaw } from "./model-law.ts";
import { placeLaws } from "./place-laws.ts";
import { postLaws } from "./post-laws.ts";
import { pruneLaws } from "./prune-laws.ts";
import { queueLaws } from "./queue-laws.ts";
import { queueModelLaw } from "./queue-model-law.ts";
import type { OpenStore } from "./sample.ts";
import { scheduleLaws } from "./schedule-laws.ts";
import { sendLaws } from "./send-laws.ts";
import { debounceLaws } from "./debounce-laws.ts";
import { startLaws } from "./start-laws.ts";
import { transactLaws } from "./transact-laws.ts";

/** Registers all laws for the stores that `open` makes, each empty; `sequences`: how many random ones are tried. */
export function conformance(name: string, open: OpenStore, { sequences = 200 } = {}): void {
  describe(`the laws of the store, kept by ${name}`, () => {
    startLaws(open);
    debounceLaws(open);
    claimLaws(open);
    commitLaws(open);
    sendLaws(open);
    postLaws(open);
    scheduleLaws(open);
    fileLaws(open);
    eventLaws(open);
    transactLaws(open);
    queueLaws(open);
    placeLaws(open);
    pruneLaws(open);
    leaseLaws(open);
    listLaws(open);
    modelLaw(open, sequences);
    eventModelLaw(open, Math.ceil(sequences / 2));
    queueModelLaw(open, Math.ceil(sequences / 2));
  });
}
