/** `tenfold emit`: emits one event, or one per row of a file, and says what came of it. */
import type { Tenfold } from "../../engine/client.ts";
import type { Emitted, EmitOptions } from "../../engine/emit.ts";
import type { DeliveryView } from "../../engine/event-views.ts";
import type { Json } from "../../value/json.ts";
import { nearestName } from "../../value/nearest.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { deliveryJson, deliveryLine } from "../delivery-words.ts";
import { emitRows } from "../emit-rows.ts";
import { openStored } from "../opening.ts";
import { readInput } from "../run-input.ts";
import { readTime } from "../time-text.ts";

/** How long it waits for workers to start the runs. */
const WAIT_MS = 5000;
const LOOK_MS = 50;

export const emitCommand: Command = {
  name: "emit",
  takes: "<event> [payload]",
  counts: { least: 1, most: 2 },
  summary: "Emits an event: it starts a run of each workflow that subscribes to it, and whose filter is true of it.",
  about: [
    "The payload is JSON text, a file (.csv, .jsonl, .ndjson, .json) with one event per row, or - for standard input.",
    "An event is durable once this ends; its runs are started by whatever works the store. The same --id again starts",
    "nothing. It waits a moment, and says which runs were started.",
  ].join("\n"),
  flags: {
    id: { type: "string", value: "text", text: "names the event; the same one twice starts nothing" },
    "id-from": { type: "string", value: "field", text: "of a file: the field of each row that names its event" },
    tenant: { type: "string", value: "name", text: "whom its runs belong to" },
    at: { type: "string", value: "time", text: `its runs begin not before: "2h" from now, or a date` },
    "no-wait": { type: "boolean", text: "does not wait for its runs" },
    format: { type: "string", value: "name", text: "what a file or standard input holds: csv, jsonl or json" },
  },
  examples: [
    { line: `tenfold emit lead.created '{"email": "anna@example.com", "points": 90}' --id L-1`, does: "one event" },
    {
      line: "tenfold emit lead.created leads.csv --id-from email",
      does: "one per row; rows that came before start nothing",
    },
  ],
  async run(call: Call): Promise<number> {
    const [event, word = "null"] = call.words as [string, string | undefined];
    const options = optionsOf(call);
    const input = await readInput(call, word, { what: "payload", notDone: "nothing was emitted" });
    const idFrom = call.flags.text("id-from");
    const mixed = input.kind === "one" ? idFrom !== undefined && "`--id-from` belongs to a file of rows" : options.id !== undefined && "`--id` names one event, and a file has many"; // prettier-ignore
    if (mixed !== false) {
      const way = input.kind === "one" ? "Name one event with `--id`." : "Name the field of each row with `--id-from`.";
      throw usageError(`${mixed}; nothing was emitted. ${way}`);
    }
    const tenfold = await openStored(call);
    try {
      if (input.kind === "one") return await emitOne(call, tenfold, event, input.input, options);
      return await emitRows(call, tenfold, event, input, { ...options, ...(idFrom === undefined ? {} : { idFrom }) });
    } finally {
      await tenfold.close();
    }
  },
};

function optionsOf({ flags }: Call): EmitOptions {
  const [id, tenant, at] = [flags.text("id"), flags.text("tenant"), flags.text("at")];
  return {
    ...(id === undefined ? {} : { id }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(at === undefined ? {} : { at: readTime(at, "--at", Date.now(), "after") }),
  };
}

async function emitOne(
  call: Call,
  tenfold: Tenfold,
  event: string,
  payload: Json,
  options: EmitOptions,
): Promise<number> {
  const emitted = await tenfold.emit(event, payload, options);
  const waitMs = call.flags.has("no-wait") ? 0 : WAIT_MS;
  const deliveries = await settled(tenfold, event, emitted, options, waitMs);
  const { terminal } = call;
  if (terminal.isJson) terminal.document({ event, ...emitted, deliveries: deliveries.map(deliveryJson) });
  else if (deliveries.length === 0) terminal.print(await nobodyText(tenfold, event, emitted));
  else tellOne(call, event, emitted, deliveries);
  return deliveries.some(({ state }) => state === "refused") ? EXIT.no : EXIT.yes;
}

/** The deliveries of an event once none waits, or patience is over. */
async function settled(
  tenfold: Tenfold,
  event: string,
  { id, workflows }: Emitted,
  { tenant = "" }: EmitOptions,
  waitMs: number,
): Promise<readonly DeliveryView[]> {
  if (workflows.length === 0) return [];
  for (const until = Date.now() + waitMs; ;) {
    const deliveries = (await tenfold.event(event, id, { tenant })) ?? [];
    if (deliveries.every(({ state }) => state !== "waiting") || Date.now() >= until) return deliveries;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** An event that nobody hears is no error; one that is written differently from all that are heard may be. */
async function nobodyText(tenfold: Tenfold, event: string, { filtered }: Emitted): Promise<string> {
  if (filtered.length > 0)
    return `The event ${event} is for nobody: the filter of ${filtered.join(", of ")} is not true of it. It was not kept.`;
  const subscriptions = await tenfold.subscriptions();
  const nearest = nearestName(event, [...new Set(subscriptions.map((one) => one.event))]);
  const meant = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  return `The event ${event} is for nobody: no workflow subscribes to it. It was not kept.${meant}`;
}

function tellOne({ terminal }: Call, event: string, { id, isNew }: Emitted, deliveries: readonly DeliveryView[]): void {
  terminal.print(isNew ? `Emitted ${event} ${id}.` : `Emitted before: ${event} ${id}. Nothing was started.`);
  for (const delivery of deliveries) terminal.print(`  ${deliveryLine(terminal, delivery)}`);
  if (deliveries.some(({ state }) => state === "waiting")) {
    terminal.say(
      "What waits is started by whatever works this store with the workflow's code: `tenfold dev`, `tenfold work`.",
    );
  }
  if (deliveries.some(({ state }) => state === "refused")) {
    terminal.say("What was refused is delivered again by `tenfold events retry`, once its cause is gone.");
  }
}
