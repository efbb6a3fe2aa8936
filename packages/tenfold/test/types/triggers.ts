/** What compiles as a workflow's triggers, and what does not. */
import { gte, on, schedule, workflow, type Lifted } from "../../src/flow/index.ts";
import type { Schema } from "../../src/value/schema.ts";
import type { Lead } from "./lead.ts";

declare const leadSchema: Schema<Lead>;

export function aTriggerFitsTheInput(): void {
  workflow<Lead>("w", {
    triggers: [on<Lead>("lead.created", { where: (lead) => gte(lead.orders[0]!.total, 80) }), on("lead.imported")],
    flow: (lead) => lead.email,
  });
  workflow<Lead>("w", {
    triggers: [on("lead.created", { where: (lead) => gte(lead.points, 80) })],
    flow: (lead) => lead.email,
  });
  workflow("w", { input: leadSchema, triggers: [on<Lead>("lead.created")], flow: (lead) => lead.email });
  workflow("w", {
    triggers: [on("lead.created", { input: (lead: Lifted<Lead>) => ({ to: lead.email }) })],
    flow: (mail: Lifted<{ to: string }>) => mail.to,
  });
  workflow<{ to: string }>("w", {
    // @ts-expect-error a lead is not what the workflow takes
    triggers: [on<Lead>("lead.created")],
    flow: (mail) => mail.to,
  });
  workflow<{ to: string }>("w", {
    // @ts-expect-error nor is what is made out of it
    triggers: [on("lead.created", { input: (lead: Lifted<Lead>) => ({ from: lead.email }) })],
    flow: (mail) => mail.to,
  });
  // @ts-expect-error a lead has no such property
  on<Lead>("lead.created", { where: (lead) => gte(lead.point, 80) });
  // @ts-expect-error a text is no condition
  on<Lead>("lead.created", { where: (lead) => lead.email });
  // @ts-expect-error a schedule has another input
  workflow<Lead>("w", { triggers: [schedule("0 9 * * *", { timeZone: "UTC" })], flow: (lead) => lead.email });
}
