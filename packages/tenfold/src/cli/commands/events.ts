/** `tenfold events`: which events start which workflows, and what was emitted and started no run. */
import type { Tenfold } from "../../engine/client.ts";
import type { DeliveryFilter, DeliveryView, SubscriptionView } from "../../engine/event-views.ts";
import { isAgreed } from "../asking.ts";
import { tableLines } from "../columns.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { deliveryJson, deliveryLine, stateText } from "../delivery-words.ts";
import { openStored, tellMissing } from "../opening.ts";
import { timeJson } from "../run-json.ts";
import type { Terminal } from "../terminal.ts";
import { agoText, plural } from "../time-text.ts";
import { filterText, inputText } from "../trigger-words.ts";

/** Deliveries that are counted, and that are listed. */
const COUNT_MAX = 10_000;
const LISTED_MAX = 50;

export const eventsCommand: Command = {
  name: "events",
  takes: "[show <event> <id> | retry | end <workflow>]",
  counts: { least: 0, most: 3 },
  summary:
    "Shows which events start which workflows, and what was emitted and has started no run: it waits, or was refused.",
  about: [
    "`show` tells what became of one event. `retry` has what was refused be delivered again, to the code of today: first",
    "mend why it was refused. `end` is for a workflow whose code is gone: no event is kept for it any more.",
  ].join("\n"),
  flags: {
    waiting: { type: "boolean", text: "lists what waits for a worker that has the workflow's code" },
    refused: { type: "boolean", text: "lists what was refused, and why" },
    event: { type: "string", value: "name", text: "only this event" },
    workflow: { type: "string", value: "name", text: "only this workflow" },
    tenant: { type: "string", value: "name", text: "show: whose event it is" },
    "dry-run": { type: "boolean", text: "retry: only count" },
    yes: { type: "boolean", text: "retry: do not ask" },
  },
  examples: [
    { line: "tenfold events", does: "who subscribes to what, and how much waits or was refused" },
    { line: "tenfold events --refused --workflow welcome", does: "what this workflow refused, and why" },
    { line: "tenfold events show lead.created L-1", does: "the runs that an event started" },
    { line: "tenfold events retry --workflow welcome --yes", does: "delivers what was refused again" },
    { line: "tenfold events end welcome", does: "keeps no events for a workflow that is gone" },
  ],
  async run(call: Call): Promise<number> {
    const { words, flags } = call;
    const [verb, event, id] = words;
    if (verb !== undefined && !["show", "retry", "end"].includes(verb)) {
      throw usageError(
        `There is no \`tenfold events ${verb}\`; nothing was done. Write \`tenfold events show lead.created L-1\`, or \`tenfold events retry\`.`,
      );
    }
    const takes = verb === "show" ? 2 : verb === "end" ? 1 : 0;
    if (words.length > 0 && words.length !== takes + 1) {
      throw usageError(
        `\`show\` takes an event's name and its id, \`end\` a workflow, and \`retry\` flags alone; nothing was done. Write for example \`tenfold events show lead.created L-1\`.`,
      );
    }
    checkFlags(call, verb);
    const tenfold = await openStored(call);
    try {
      if (verb === "show") return await showEvent(call, tenfold, event!, id!);
      if (verb === "retry") return await retry(call, tenfold);
      if (verb === "end") return await end(call, tenfold, event!);
      const listed = (["waiting", "refused"] as const).find((state) => flags.has(state));
      return listed === undefined ? await overview(call, tenfold) : await list(call, tenfold, listed);
    } finally {
      await tenfold.close();
    }
  },
};

const LISTING = "tenfold events";
/** Which verbs a flag belongs to: one that says nothing to a verb must not be taken for a filter. */
const FLAGS: Readonly<Record<string, readonly (string | undefined)[]>> = {
  waiting: [undefined],
  refused: [undefined],
  event: [undefined, "retry"],
  workflow: [undefined, "retry"],
  tenant: ["show"],
  "dry-run": ["retry"],
  yes: ["retry"],
};

function checkFlags({ flags }: Call, verb: string | undefined): void {
  for (const [flag, verbs] of Object.entries(FLAGS)) {
    if (!flags.has(flag) || verbs.includes(verb)) continue;
    const whose = verbs.map((one) => `\`${one === undefined ? LISTING : `${LISTING} ${one}`}\``).join(" and ");
    throw usageError(`\`--${flag}\` belongs to ${whose}; nothing was done. Leave it out.`);
  }
  if (flags.has("waiting") && flags.has("refused"))
    throw usageError(
      "Either what waits is listed, or what was refused; nothing was done. Write `--waiting`, or `--refused`.",
    );
}

function filterOf({ flags }: Call): DeliveryFilter {
  const [event, workflow] = [flags.text("event"), flags.text("workflow")];
  return { ...(event === undefined ? {} : { event }), ...(workflow === undefined ? {} : { workflow }) };
}

async function showEvent({ flags, terminal }: Call, tenfold: Tenfold, event: string, id: string): Promise<number> {
  const tenant = flags.text("tenant") ?? "";
  const deliveries = await tenfold.event(event, id, { tenant });
  if (terminal.isJson) terminal.document({ event, id, tenant, deliveries: deliveries?.map(deliveryJson) ?? null });
  else if (deliveries === undefined) {
    terminal.print(
      `No event ${event} ${id} is known: it was never emitted, nobody subscribed to it, or it was long ago.`,
    );
  } else for (const delivery of deliveries) terminal.print(deliveryLine(terminal, delivery));
  return deliveries === undefined ? EXIT.no : EXIT.yes;
}

async function overview(call: Call, tenfold: Tenfold): Promise<number> {
  const { terminal } = call;
  const filter = filterOf(call);
  const all = await tenfold.subscriptions();
  const subscriptions = all.filter(({ event, workflow }) => {
    return (filter.event ?? event) === event && (filter.workflow ?? workflow) === workflow;
  });
  const [waiting, refused] = [await count(tenfold, "waiting", filter), await count(tenfold, "refused", filter)];
  if (terminal.isJson) {
    const { missing } = tenfold;
    terminal.document({ subscriptions: subscriptions.map(subscriptionJson), waiting, refused, missing });
    return EXIT.yes;
  }
  tellMissing(terminal, tenfold);
  if (subscriptions.length === 0) {
    const none = all.length > 0 ? "No subscription is of that name" : "No workflow is started by an event";
    terminal.say(`${none}: \`triggers: [on<Lead>("lead.created")]\`, and a worker that has had it.`);
  } else for (const line of subscriptionLines(terminal, subscriptions)) terminal.print(line);
  tellCount(terminal, waiting, "waiting", "Waiting for a worker that has the workflow's code");
  tellCount(terminal, refused, "refused", "Refused");
  return EXIT.yes;
}

function tellCount(terminal: Terminal, found: number, flag: string, what: string): void {
  if (found === 0) return;
  const many = `${plural(found, "delivery", "deliveries")}${found < COUNT_MAX ? "" : " or more"}`;
  terminal.print("");
  terminal.print(`${what}: ${many}. \`tenfold events --${flag}\` lists them.`);
}

async function count(tenfold: Tenfold, state: "waiting" | "refused", filter: DeliveryFilter): Promise<number> {
  let found = 0;
  for await (const _ of tenfold.undelivered(state, filter)) if (++found >= COUNT_MAX) break;
  return found;
}

async function list(call: Call, tenfold: Tenfold, state: "waiting" | "refused"): Promise<number> {
  const { terminal } = call;
  const found: DeliveryView[] = [];
  for await (const delivery of tenfold.undelivered(state, filterOf(call))) {
    if (found.push(delivery) > LISTED_MAX && !terminal.isJson) break;
  }
  if (terminal.isJson) {
    terminal.document({ deliveries: found.map(deliveryJson), missing: tenfold.missing });
    return EXIT.yes;
  }
  tellMissing(terminal, tenfold);
  if (found.length === 0) terminal.say(state === "waiting" ? "Nothing waits." : "Nothing was refused.");
  const titles = [
    { title: "event" },
    { title: "id" },
    { title: "workflow" },
    { title: "emitted" },
    { title: "what", gives: true },
  ];
  const now = Date.now();
  const cells = found.slice(0, LISTED_MAX).map((delivery) => {
    const { event, id, workflow, emittedAt } = delivery;
    return [event, id, workflow, agoText(emittedAt, now), stateText(terminal, delivery)];
  });
  if (found.length > 0) for (const line of tableLines(titles, cells, terminal.columns)) terminal.print(line);
  if (found.length > LISTED_MAX) terminal.say(`These are the first ${LISTED_MAX}; \`--json\` has all of them.`);
  return EXIT.yes;
}

async function retry(call: Call, tenfold: Tenfold): Promise<number> {
  const { terminal, flags } = call;
  const filter = filterOf(call);
  const { found } = await tenfold.redeliver(filter, { dryRun: true });
  const isDry = flags.has("dry-run");
  const many = plural(found, "delivery", "deliveries");
  if (found > 0 && !isDry && !flags.has("yes")) {
    if (!terminal.canAsk) {
      throw usageError(
        `${many} would be made again, and there is nobody to ask; nothing was done. Add \`--yes\` if that is meant, or \`--dry-run\` to count.`,
        { found },
      );
    }
    if (!(await isAgreed(terminal, `${many} will be made again.`))) return EXIT.no;
  }
  const redelivered = isDry || found === 0 ? 0 : (await tenfold.redeliver(filter)).redelivered;
  if (terminal.isJson) terminal.document({ found, redelivered, ...(isDry ? { dryRun: true } : {}) });
  else if (found === 0) terminal.say("Nothing was refused; nothing was done.");
  else
    terminal.print(
      isDry
        ? `${many} would be made again; nothing was done.`
        : `${plural(redelivered, "delivery", "deliveries")} will be made again.`,
    );
  return found === 0 ? EXIT.no : EXIT.yes;
}

async function end({ terminal }: Call, tenfold: Tenfold, workflow: string): Promise<number> {
  const { events, refused } = await tenfold.unsubscribe(workflow);
  const isNone = events.length === 0 && refused === 0;
  if (terminal.isJson) terminal.document({ workflow, events, refused });
  else if (isNone) terminal.say(`${workflow} subscribes to no event, and nothing waits for it; nothing was done.`);
  else {
    terminal.print(
      `${workflow} is started by ${events.join(", ") || "no event"} no more; ${plural(refused, "delivery", "deliveries")} refused.`,
    );
    terminal.say("A worker that has its code with a trigger subscribes it again in three minutes.");
  }
  return isNone ? EXIT.no : EXIT.yes;
}

function subscriptionLines(terminal: Terminal, subscriptions: readonly SubscriptionView[]): string[] {
  const titles = [{ title: "event" }, { title: "starts" }, { title: "where", gives: true }, { title: "on" }];
  const cells = subscriptions.map((one) => [
    one.event,
    terminal.paint("bold", one.workflow),
    filterText(one),
    inputText(one),
  ]);
  return tableLines(titles, cells, terminal.columns);
}

function subscriptionJson(one: SubscriptionView): unknown {
  const { event, workflow, where, input, at } = one;
  return { event, workflow, words: filterText(one), where, input, at: timeJson(at) };
}
