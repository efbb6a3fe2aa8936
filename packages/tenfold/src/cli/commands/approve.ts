/** `tenfold approvals`, `tenfold approve` and `tenfold refuse`: what waits for people, and what they say to it. */
import { userInfo } from "node:os";
import type { ApprovalView } from "../../engine/approvals.ts";
import { EXIT, OBEYED, usageError, type Call, type Command, type Flag } from "../command.ts";
import { oneLine, shortened } from "../columns.ts";
import { openStored, tellMissing } from "../opening.ts";
import { timeJson } from "../run-json.ts";
import { agoText, plural } from "../time-text.ts";

const LISTED = 50;

const PEOPLE: Readonly<Record<string, Flag>> = {
  by: { type: "string", value: "name", text: "who decides; otherwise the name you are logged in with" },
  roles: { type: "string", value: "a,b", text: "their roles: `finance` may decide what asks for `role:finance`" },
};

export const approvalsCommand: Command = {
  name: "approvals",
  takes: "",
  counts: { least: 0, most: 0 },
  summary: "Lists the approvals that wait for people, those of the newest runs first.",
  flags: {
    workflow: { type: "string", value: "name", text: "of this workflow only" },
    by: { type: "string", value: "name", text: "those that this person may decide" },
    roles: { type: "string", value: "a,b", text: "and that may be decided with these roles" },
    limit: { type: "string", value: "count", text: `how many; ${LISTED} otherwise` },
  },
  examples: [
    { line: "tenfold approvals", does: "all that wait" },
    { line: "tenfold approvals --by kim --roles finance", does: "what Kim, who has that role, may decide" },
  ],
  async run(call: Call): Promise<number> {
    const { flags, terminal } = call;
    const limit = readLimit(flags.text("limit"));
    const tenfold = await openStored(call);
    try {
      const [workflow, by] = [flags.text("workflow"), flags.text("by")];
      const filter = {
        ...(workflow === undefined ? {} : { workflow }),
        ...(by === undefined ? {} : { by, roles: rolesOf(call) }),
      };
      const found: ApprovalView[] = [];
      let hasMore = false;
      for await (const view of tenfold.approvals(filter)) {
        hasMore = found.length === limit;
        if (hasMore) break;
        found.push({ ...view, ask: tenfold.redacted({ input: view.ask }).input });
      }
      tellMissing(terminal, tenfold);
      if (terminal.isJson) terminal.document({ approvals: found.map(documentOf), more: hasMore });
      else tell(call, found, hasMore);
      return EXIT.yes;
    } finally {
      await tenfold.close();
    }
  },
};

export const approveCommand = decisionCommand("approve", "approved", "Approves what a run waits for.");
export const refuseCommand = decisionCommand(
  "refuse",
  "refused",
  "Refuses what a run waits for; one refusal is enough.",
);

function decisionCommand(name: "approve" | "refuse", done: string, summary: string): Command {
  return {
    name,
    takes: "<approval>",
    counts: { least: 1, most: 1 },
    summary,
    about:
      "An approval is named as `tenfold approvals` lists it; a run's id does, where the run waits for one only. Who may decide is in the workflow; that you are who you say is not checked here.",
    flags: { ...PEOPLE, comment: { type: "string", value: "text", text: "why; kept in the journal" } },
    examples: [
      { line: `tenfold ${name} 01m4qk0v6b7x3c9r5t8w2000 --comment "seen the invoice"`, does: "in your own name" },
      { line: `tenfold ${name} 01m4qk0v6b7x3c9r5t8w2000:approval --by kim --roles finance`, does: "in Kim's name" },
    ],
    async run(call: Call): Promise<number> {
      const { words, flags, terminal } = call;
      const by = flags.text("by") ?? userInfo().username;
      const comment = flags.text("comment");
      const tenfold = await openStored(call);
      try {
        const options = { by, roles: rolesOf(call), ...(comment === undefined ? {} : { comment }) };
        const decided = await tenfold[name](words[0]!, options);
        if (terminal.isJson) terminal.document({ ...decided, verdict: done, by });
        else {
          terminal.print(`${by} has ${done} ${decided.node} of run ${decided.run}.`);
          terminal.say(OBEYED);
        }
        return EXIT.yes;
      } finally {
        await tenfold.close();
      }
    },
  };
}

function rolesOf({ flags }: Call): readonly string[] {
  const given = flags.text("roles");
  return given === undefined ? [] : given.split(",").map((role) => role.trim());
}

function readLimit(given: string | undefined): number {
  const limit = given === undefined ? LISTED : Number(given);
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw usageError(`\`--limit ${given}\` is no number of approvals; nothing was listed. Give a whole number from 1.`);
}

function documentOf({ since, escalatesAt, timesOutAt, ...view }: ApprovalView): unknown {
  return { ...view, since: timeJson(since), escalatesAt: timeJson(escalatesAt), timesOutAt: timeJson(timesOutAt) };
}

function tell({ terminal }: Call, found: readonly ApprovalView[], hasMore: boolean): void {
  const now = Date.now();
  if (found.length === 0) return terminal.say("Nothing waits for an approval.");
  for (const view of found) {
    const { ask, atLeast, approvals, by, not, timesOutAt, escalatesAt } = view;
    const whom = by === null ? "anybody" : by.join(" or ");
    const but = not.length === 0 ? "" : `, but not ${not.join(" or ")}`;
    const many = atLeast === 1 ? "" : `; ${approvals.length} of ${atLeast} have approved`;
    const escalates = escalatesAt === null ? "" : `; escalated ${agoText(escalatesAt, now)}`;
    const over = timesOutAt === null ? "" : `; over ${agoText(timesOutAt, now)}`;
    terminal.print(terminal.paint("bold", view.token));
    terminal.print(`  ${shortened(oneLine(typeof ask === "string" ? ask : JSON.stringify(ask)))}`);
    const key = view.key === null ? "" : ` ${oneLine(view.key)}`;
    terminal.print(
      `  ${view.workflow}${key}, asked ${agoText(view.since, now)}, of ${whom}${but}${many}${escalates}${over}`,
    );
  }
  terminal.say("");
  const more = hasMore ? `There are more than ${plural(found.length, "approval")}: --limit shows them. ` : "";
  terminal.say(`${more}\`tenfold approve <approval>\` or \`tenfold refuse <approval>\` decides.`);
}
