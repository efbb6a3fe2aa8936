/** `tenfold queues`: shows who waits in queues and what holds them up, and steers them while they are worked. */
import type { Tenfold } from "../../engine/client.ts";
import type { QueueChange } from "../../engine/queues/set-queue.ts";
import type { QueueSettings } from "../../core/queues/line-settings.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { drainQueue } from "../draining.ts";
import { openWithCode, tellMissing } from "../opening.ts";
import { queueJson, queueLines, settingsText } from "../queue-words.ts";

const LIMITS = ["concurrency", "rate", "per-concurrency", "per-rate"] as const;
const SET_FLAGS = [...LIMITS, "unset"] as const;
const VERBS = ["pause", "resume", "drain", "set"] as const;
type Verb = (typeof VERBS)[number];

const EXAMPLE = "`tenfold queues set crm --concurrency 5 --rate 10/s`";

export const queuesCommand: Command = {
  name: "queues",
  takes: "[pause|resume|drain|set <name>]",
  counts: { least: 0, most: 2 },
  summary: "Shows queues and shared limits: who waits and runs, how fast, what holds them up; pauses and sets them.",
  about: [
    'A queue has the name of its step, a limit its own. What is set stands before the code, until it is "code" again; "none" is no',
    "limit. Whatever works the queue obeys within 5 s. `drain` changes nothing: it waits until nobody waits or runs there.",
  ].join("\n"),
  flags: {
    concurrency: { type: "string", value: "n", text: "set: how many run at once; `none`, or `code`" },
    rate: { type: "string", value: "rate", text: "set: how fast they start, such as 10/s; `none`, or `code`" },
    "per-concurrency": { type: "string", value: "n", text: "set: how many of one key run at once" },
    "per-rate": { type: "string", value: "rate", text: "set: how fast those of one key start" },
    unset: { type: "boolean", text: "set: all limits are as the code says again" },
  },
  examples: [
    { line: "tenfold queues", does: "all of them" },
    { line: "tenfold queues pause enrich", does: "nothing of it starts; what runs goes on" },
    { line: "tenfold queues set crm --concurrency 5 --rate 10/s", does: "other limits, while it is worked" },
    { line: "tenfold queues set crm --unset", does: "those of the code again" },
    { line: "tenfold queues drain enrich", does: "waits until it is empty" },
  ],
  async run(call: Call): Promise<number> {
    const wish = wishOf(call);
    const tenfold = await openWithCode(call);
    try {
      if (wish === null) return await show(call, tenfold);
      const { queue, change } = wish;
      if (change === null) return await drainQueue(call, tenfold, queue);
      const settings = await tenfold.setQueue(queue, change);
      if (call.terminal.isJson) call.terminal.document({ queue, settings });
      else call.terminal.print(setText(queue, change, settings));
      return EXIT.yes;
    } finally {
      await tenfold.close();
    }
  },
};

interface Wish {
  readonly queue: string;
  /** Null: it is to be drained. */
  readonly change: QueueChange | null;
}

/** Null: they are only shown. */
function wishOf({ words, flags }: Call): Wish | null {
  const [verb, queue] = words;
  const flag = SET_FLAGS.find((name) => flags.has(name));
  if (verb === undefined && flag === undefined) return null;
  if (verb === undefined || !isVerb(verb)) {
    const found = verb === undefined ? `\`--${flag}\` belongs to a \`set\`` : `There is no \`tenfold queues ${verb}\``;
    throw usageError(`${found}; nothing was done. There are ${VERBS.join(", ")}: write for example ${EXAMPLE}.`);
  }
  if (queue === undefined) {
    const message = `\`${verb}\` takes the name of a queue or a limit; nothing was done. \`tenfold queues\` lists them.`;
    throw usageError(message);
  }
  if (verb !== "set" && flag !== undefined) {
    throw usageError(
      `\`--${flag}\` belongs to a \`set\`, not to a \`${verb}\`; nothing was done. Write for example ${EXAMPLE}.`,
    );
  }
  switch (verb) {
    case "pause":
    case "resume":
      return { queue, change: { isPaused: verb === "pause" } };
    case "drain":
      return { queue, change: null };
    case "set":
      return { queue, change: changeOf(queue, flags) };
  }
}

function isVerb(word: string): word is Verb {
  return (VERBS as readonly string[]).includes(word);
}

function changeOf(queue: string, flags: Call["flags"]): QueueChange {
  const limit = LIMITS.find((name) => flags.has(name));
  if (flags.has("unset")) {
    if (limit === undefined) return { concurrency: "code", rate: "code", per: { concurrency: "code", rate: "code" } };
    throw usageError(
      `\`--unset\` leaves no limit to be set, and there is \`--${limit}\`; nothing was set. Leave one of them out.`,
    );
  }
  if (limit === undefined) {
    throw usageError(`What is to be set of ${queue} is not said; nothing was set. Write for example ${EXAMPLE}.`);
  }
  const per = limitsOf(flags, "per-");
  return { ...limitsOf(flags, ""), ...(Object.keys(per).length > 0 ? { per } : {}) };
}

function limitsOf(flags: Call["flags"], per: "" | "per-"): NonNullable<QueueChange["per"]> {
  const concurrency = flags.text(`${per}concurrency`);
  const rate = flags.text(`${per}rate`);
  return {
    ...(concurrency === undefined ? {} : { concurrency: countOf(concurrency, `--${per}concurrency`) }),
    ...(rate === undefined ? {} : { rate: rate === "none" ? null : rate }),
  };
}

function countOf(text: string, flag: string): number | "code" | null {
  if (text === "none") return null;
  if (text === "code") return text;
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= 1) return count;
  const way = `Give a whole number from 1, \`none\` or \`code\`; \`tenfold queues pause\` lets none start.`;
  throw usageError(`\`${flag} ${text}\` is no number of bodies; nothing was set. ${way}`);
}

function setText(queue: string, { isPaused }: QueueChange, settings: QueueSettings): string {
  if (isPaused === true) {
    return `${queue} is paused: what runs goes on, and nothing starts until \`tenfold queues resume ${queue}\`.`;
  }
  if (isPaused === false) return `${queue} goes on.`;
  const paused = settings.isPaused === true ? " It is paused." : "";
  return `The limits of ${queue} are set: ${settingsText(settings)}.${paused}`;
}

async function show({ terminal }: Call, tenfold: Tenfold): Promise<number> {
  const views = await tenfold.queues();
  const { missing } = tenfold;
  if (terminal.isJson) terminal.document({ queues: views.map(queueJson), missing });
  else if (views.length === 0) {
    terminal.say('No step has a queue: `step("enrich", { queue: { concurrency: 5 }, run })`.');
  } else for (const line of queueLines(terminal, views, Date.now())) terminal.print(line);
  if (!terminal.isJson) tellMissing(terminal, tenfold);
  return EXIT.yes;
}
