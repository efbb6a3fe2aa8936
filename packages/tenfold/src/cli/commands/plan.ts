/** `tenfold plan`: what a deploy of this code comes to for the runs that are in flight. */
import type { DeployPlan } from "../../engine/plan-deploy.ts";
import { EXIT, type Call, type Command } from "../command.ts";
import { LiveLines } from "../live-lines.ts";
import { mustLoad, openStored, tellMissing } from "../opening.ts";
import { planLines } from "../plan-lines.ts";
import { countText, plural } from "../time-text.ts";

export const planCommand: Command = {
  name: "plan",
  takes: "[workflow]",
  counts: { least: 0, most: 1 },
  summary: "Shows what a deploy of this code changes, and what it means for the runs in flight.",
  about: [
    "It reads, and changes nothing; no worker is needed. Runs finish on the graph that they began with: what is told is",
    "which of them need code that is gone, and would be held, and which could go on with the new graph.",
    "The exit code is 0 if no run would be held, 1 if some would, 2 if none of those looked at would and not all were.",
  ].join("\n"),
  flags: { all: { type: "boolean", text: "look at every run in flight, however many there are" } },
  examples: [
    { line: "tenfold plan", does: "every workflow of the config, and those that it lacks" },
    { line: "tenfold plan lead-intake --json", does: "one workflow, for a program" },
    { line: "tenfold plan || echo stop", does: "in CI, before a deploy" },
  ],
  async run(call: Call): Promise<number> {
    const { terminal, flags, words } = call;
    const { config } = await mustLoad(call);
    const tenfold = await openStored(call);
    const live = terminal.stderr.isTTY === true && !terminal.isJson ? new LiveLines(terminal.stderr) : null;
    try {
      const [workflow] = words;
      const onProgress = (looked: number): void =>
        live?.paint([terminal.tint("dim", `looked at ${plural(looked, "run")} …`)]);
      const plan = await tenfold.plan({
        ...(workflow === undefined ? {} : { workflow }),
        ...(flags.has("all") ? { runsMax: Infinity, journalsMax: Infinity } : {}),
        ...{ workflows: config.workflows, onProgress },
      });
      live?.paint([]);
      if (terminal.isJson) terminal.document({ ...plan, missing: tenfold.missing });
      else tell(call, plan);
      tellMissing(terminal, tenfold);
      return plan.held > 0 ? EXIT.no : plan.isPartial || tenfold.missing.length > 0 ? EXIT.unsure : EXIT.yes;
    } finally {
      live?.stop();
      await tenfold.close();
    }
  },
};

function tell({ terminal }: Call, plan: DeployPlan): void {
  for (const line of planLines(terminal, plan)) terminal.print(line);
  const changed = plan.workflows.filter(({ change }) => change !== "unchanged").length;
  terminal.print("");
  const of = `${countText(changed)} of ${plural(plan.workflows.length, "workflow")} changed`;
  const held =
    plan.held === 0
      ? "no run that was looked at would be held"
      : `${plural(plan.held, "run")} would be held, or worked by nobody`;
  terminal.print(`${of}; ${held}.`);
  if (plan.isPartial) terminal.say("Not every run in flight was looked at: `tenfold plan --all` does.");
}
