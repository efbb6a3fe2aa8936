/** `tenfold signal`: sends a run what a node of it waits for. */
import type { RunAddress, SignalOptions } from "../../engine/signal.ts";
import type { Json } from "../../value/json.ts";
import { EXIT, OBEYED, usageError, type Call, type Command } from "../command.ts";
import { openWithCode } from "../opening.ts";

export const signalCommand: Command = {
  name: "signal",
  takes: "[run] <signal> [payload]",
  counts: { least: 1, most: 3 },
  summary: "Sends a run a signal that its workflow waits for; the payload is JSON.",
  about:
    "The run is named by its id, or by --workflow and --key. A signal that comes before its `waitFor` has begun is kept. Sent again with the same --id it counts once.",
  flags: {
    workflow: { type: "string", value: "name", text: "with --key, instead of a run's id" },
    key: { type: "string", value: "key", text: "the key that the run was started with" },
    tenant: { type: "string", value: "name", text: "whose key it is" },
    for: { type: "string", value: "text", text: "which of several things it is about, as `waitFor(…, { for })` says" },
    id: { type: "string", value: "text", text: "the same id twice counts once; for what may be sent again" },
  },
  examples: [
    { line: `tenfold signal 01m4qk0v6b7x3c9r5t8w2000 paid '{"euro": 60}'`, does: "to a run by its id" },
    { line: "tenfold signal --workflow orders --key A-1 delivered --for parcel-2", does: "to the run of a key" },
  ],
  async run(call: Call): Promise<number> {
    const { run, signal, payload } = read(call);
    const options: SignalOptions = { ...given(call, "for"), ...given(call, "id") };
    const tenfold = await openWithCode(call);
    try {
      const sent = await tenfold.signal(run, signal, payload, options);
      if (call.terminal.isJson) call.terminal.document({ run: sent.run, signal, sent: true });
      else {
        call.terminal.print(`Run ${sent.run} has the signal ${signal}.`);
        call.terminal.say(OBEYED);
      }
      return EXIT.yes;
    } finally {
      await tenfold.close();
    }
  },
};

function given<N extends "for" | "id" | "tenant">({ flags }: Call, name: N): { readonly [K in N]?: string } {
  const value = flags.text(name);
  return (value === undefined ? {} : { [name]: value }) as { readonly [K in N]?: string };
}

function read(call: Call): { run: RunAddress; signal: string; payload: Json | undefined } {
  const { words, flags } = call;
  const workflow = flags.text("workflow");
  const key = flags.text("key");
  if ((workflow === undefined) !== (key === undefined)) {
    throw usageError(
      "A run is named by its id, or by `--workflow` and `--key` together; no signal was sent. Add the one that is missing.",
    );
  }
  const named: RunAddress | undefined =
    workflow === undefined || key === undefined ? words[0] : { workflow, key, ...given(call, "tenant") };
  const [signal, payload, tooMuch] = workflow === undefined ? words.slice(1) : words;
  if (named === undefined || signal === undefined || tooMuch !== undefined) {
    throw usageError(
      "Which run, which signal? None was sent. Write `tenfold signal <run> <signal> [payload]`, or `--workflow <name> --key <key>` in place of the run's id.",
    );
  }
  return { run: named, signal, payload: payload === undefined ? undefined : parse(payload) };
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (thrown) {
    throw usageError(
      `The payload is no JSON: ${(thrown as Error).message}; no signal was sent. A text is written with its quotes: \`'${JSON.stringify(text)}'\`.`,
      { payload: text },
    );
  }
}
