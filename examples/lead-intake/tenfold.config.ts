/** What the command line works with: the runs that `npm start` leaves behind, and the workflow they are runs of. */
import path from "node:path";
import { leadIntakeFor } from "./lead-intake.ts";
import { connectSystems, crmLimitsIn, onFirstUse } from "./settings.ts";

// To draw a graph or to list runs nothing is called, so nothing is started either.
const crmLimits = crmLimitsIn(process.env);
const systems = onFirstUse(
  () =>
    connectSystems({
      crmUrl: process.env["CRM_URL"],
      crmLimits,
      smtpUrl: process.env["SMTP_URL"],
      outbox: path.join(import.meta.dirname, "outbox"),
    }),
  crmLimits,
);

export const store = path.join(import.meta.dirname, "../../.tenfold/lead-intake.db");

export const workflows = [leadIntakeFor(systems)];
