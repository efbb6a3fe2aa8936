/** `tenfold unsure` and `tenfold resolve`: what may have happened, and whether it did. */
import { userInfo } from "node:os";
import type { Resolution, UnsureView } from "../../engine/unsure.ts";
import type { Json } from "../../value/json.ts";
import { EXIT, OBEYED, usageError, type Call, type Command } from "../command.ts";
import { oneLine, shortened } from "../columns.ts";
import { openStored, openWithCode, tellMissing } from "../opening.ts";
import { agoText, plural, timeText } from "../time-text.ts";

const LISTED = 50;

export const unsureCommand: Command = {
  name: "unsure",
  takes: "",
  counts: { least: 0, most: 0 },
  summary:
    "Lists steps that are called at most once, were begun, and may have happened; those of the newest runs first.",
  about:
    "Their worker died, or they timed out, or threw: tenfold does not call them again before somebody has looked and said whether they happened.",
  flags: {
    workflow: { type: "string", value: "name", text: "of this workflow only" },
    limit: { type: "string", value: "count", text: `how many; ${LISTED} otherwise` },
  },
  examples: [{ line: "tenfold unsure", does: "all that people have to look at" }],
  async run(call: Call): Promise<number> {
    const { flags, terminal } = call;
    const limit = readLimit(flags.text("limit"));
    const workflow = flags.text("workflow");
    const tenfold = await openStored(call);
    try {
      const found: UnsureView[] = [];
      let hasMore = false;
      for await (const view of tenfold.unsure(workflow === undefined ? {} : { workflow })) {
        hasMore = found.length === limit;
        if (hasMore) break;
        found.push(view);
      }
      tellMissing(terminal, tenfold);
      if (terminal.isJson) terminal.document({ unsure: found.map(documentOf), more: hasMore });
      else tell(call, found, hasMore);
      return EXIT.yes;
    } finally {
      await tenfold.close();
    }
  },
};

export const resolveCommand: Command = {
  name: "resolve",
  takes: "<step>",
  counts: { least: 1, most: 1 },
  summary: "Says whether a step has happened that `tenfold unsure` lists: then its run goes on.",
  about:
    "The step is named as `tenfold unsure` lists it, with the number of its attempt: an answer about one that is over changes nothing. A run's id does, where it asks about one only. If it has happened, its run goes on with its output; if not, the step is called again, with the same idempotency key.",
  flags: {
    happened: { type: "boolean", text: "it has happened" },
    output: { type: "string", value: "json", text: "what it answered, with --happened" },
    "not-happened": { type: "boolean", text: "it has not: it is called again" },
    by: { type: "string", value: "name", text: "who says so; otherwise the name you are logged in with" },
    comment: { type: "string", value: "text", text: "how you know; kept in the journal" },
  },
  examples: [
    {
      line: `tenfold resolve 01m4qk0v6b7x3c9r5t8w2000 --happened --output '{"charge": "ch_1"}'`,
      does: "it went through",
    },
    {
      line: 'tenfold resolve 01m4qk0v6b7x3c9r5t8w2000:charge:1 --not-happened --by kim --comment "not in the bank\'s list"',
      does: "in Kim's name",
    },
  ],
  async run(call: Call): Promise<number> {
    const { words, terminal } = call;
    const resolution = read(call);
    const tenfold = await openWithCode(call);
    try {
      const { run, node } = await tenfold.resolve(words[0]!, resolution);
      const { by, happened } = resolution;
      if (terminal.isJson) terminal.document({ run, node, happened, by });
      else if (happened) terminal.print(`${node} of run ${run} has happened, says ${by}; ${goesOnText(resolution)}`);
      else terminal.print(`${node} of run ${run} has not happened, says ${by}; it is called again.`);
      if (!terminal.isJson) terminal.say(OBEYED);
      return EXIT.yes;
    } finally {
      await tenfold.close();
    }
  },
};

/** What uses the step's output is given undefined where none was said, and that is often not meant. */
function goesOnText(resolution: Resolution): string {
  const isSaid = resolution.happened && resolution.output !== undefined;
  return isSaid ? "the run goes on." : "the run goes on without an output of it, as no `--output` was given.";
}

function read({ flags }: Call): Resolution {
  const [happened, not] = [flags.has("happened"), flags.has("not-happened")];
  if (happened === not) {
    throw usageError("Whether it happened is one answer; nothing was resolved. Give `--happened` or `--not-happened`.");
  }
  const comment = flags.text("comment");
  const said = {
    by: flags.text("by") ?? userInfo().username,
    ...(comment === undefined ? {} : { comment }),
  };
  const output = flags.text("output");
  if (not && output !== undefined)
    throw usageError("What has not happened has no output; nothing was resolved. Leave `--output` out.");
  if (not) return { ...said, happened: false };
  return { ...said, happened: true, ...(output === undefined ? {} : { output: parse(output) }) };
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (thrown) {
    throw usageError(
      `The output is no JSON: ${(thrown as Error).message}; nothing was resolved. A text is written with its quotes: \`'${JSON.stringify(text)}'\`.`,
      { output: text },
    );
  }
}

function readLimit(given: string | undefined): number {
  const limit = given === undefined ? LISTED : Number(given);
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw usageError(`\`--limit ${given}\` is no number of steps; nothing was listed. Give a whole number from 1.`);
}

function documentOf({ begunAt, ...view }: UnsureView): unknown {
  return { ...view, begunAt: new Date(begunAt).toISOString() };
}

function tell({ terminal }: Call, found: readonly UnsureView[], hasMore: boolean): void {
  const now = Date.now();
  if (found.length === 0) return terminal.say("Of everything that was begun it is known whether it happened.");
  for (const { token, workflow, key, attempt, begunAt, error, idempotencyKey } of found) {
    terminal.print(terminal.paint("bold", token));
    terminal.print(`  ${shortened(oneLine(error.message))}`);
    const again = attempt === 1 ? "" : `, attempt ${attempt}`;
    const whose = `${workflow}${key === null ? "" : ` ${oneLine(key)}`}`;
    terminal.print(`  ${whose}, begun ${timeText(begunAt)} (${agoText(begunAt, now)})${again}`);
    terminal.print(terminal.paint("dim", `  its idempotency key: ${idempotencyKey}`));
  }
  terminal.say("");
  const more = hasMore ? `There are more than ${plural(found.length, "step")}: --limit shows them. ` : "";
  terminal.say(
    `${more}Look where it would have happened, then: \`tenfold resolve <step> --happened\` or \`--not-happened\`.`,
  );
}
