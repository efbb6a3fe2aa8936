/** Leads of customers: five calls of 20 ms each, with a queue before one of them and without. */
import { setTimeout } from "node:timers/promises";
import { step, workflow, type Workflow } from "tenfold";

export interface Lead {
  readonly customer: string;
  readonly nth: number;
}

/** How long a call takes (ms). */
const CALL_MS = 20;

const call = step("call", {
  run: async (lead: Lead) => {
    await setTimeout(CALL_MS);
    return lead;
  },
});

const shared = step("shared", {
  queue: { rate: "2000/s burst 100", per: { key: ({ customer }: Lead) => customer, weight: () => 1 } },
  run: async (lead: Lead) => {
    await setTimeout(CALL_MS);
    return lead;
  },
});

const unqueued = workflow<Lead, Lead>("fair-unqueued", {
  flow: (lead) => call.as("e")(call.as("d")(call.as("c")(call.as("b")(call.as("a")(lead))))),
});

const queued = workflow<Lead, Lead>("fair-queued", {
  flow: (lead) => call.as("e")(call.as("d")(shared(call.as("b")(call.as("a")(lead))))),
});

export const FAIR: readonly Workflow<Lead, Lead>[] = [unqueued, queued];
