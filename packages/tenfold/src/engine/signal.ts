/** Sends a signal to a run: whatever would be wrong with it is told to its sender, before anything is sent. */
import { readLine } from "../core/journal-line.ts";
import { signalsOf } from "../flow/graph.ts";
import { decodedLines } from "../store/codec/decoded.ts";
import { FINISHED, type RunRecord } from "../store/store.ts";
import { describe } from "../value/describe.ts";
import { TenfoldError } from "../value/error.ts";
import { jsonProblem, pathText, type Json } from "../value/json.ts";
import { isColumnText, isPlainName } from "../value/plain-name.ts";
import { nearestName } from "../value/nearest.ts";
import { issueFacts, issuesText, parseWith } from "../value/schema.ts";
import { checkOptions, isText, laneIn, optional, TENANT, type OptionForm } from "./caller-checks.ts";
import type { Engine } from "./engine.ts";
import { compiledOf, readRun } from "./inspect.ts";
import { sendOne } from "./send-one.ts";
import { laneOfKey } from "./start.ts";

/** A run by its id, or the last run of a workflow's key. */
export type RunAddress = string | { readonly workflow: string; readonly key: string; readonly tenant?: string };

export interface SignalOptions {
  /** Names the message: the same one twice counts once. Whoever may send it again gives its own id of the event. */
  readonly id?: string;
  /** Which of several things it is about, as `waitFor(…, { for })` has it. */
  readonly for?: string | number;
}

const OPTIONS: Readonly<Record<keyof SignalOptions, OptionForm>> = {
  id: optional(
    (value) => isPlainName(value, 512),
    "Give a text of up to 512 characters that is the same whenever this is sent again.",
  ),
  for: optional((value) => isText(value) || Number.isFinite(value), "Give a text or a number."),
};
const ADDRESS: Readonly<Record<string, OptionForm>> = {
  workflow: { fits: isColumnText, way: "Give a workflow's name." },
  key: { fits: isColumnText, way: "Give the key that the run was started with." },
  tenant: TENANT,
};
const NOT_SENT = "no signal was sent";

/** Answers the id of the run that it was sent to. */
export async function sendSignal(
  engine: Engine,
  address: RunAddress,
  signal: string,
  payload: unknown,
  options: SignalOptions,
): Promise<string> {
  checkOptions("signal", options, OPTIONS, NOT_SENT);
  const record = await runAt(engine, address);
  const known = options.id === undefined ? null : `signal ${signal} ${options.id}`;
  if (FINISHED.has(record.status)) return again(engine, record, signal, known);
  const whom = options.for === undefined ? null : String(options.for);
  const parsed = await checked(engine, record, { signal, whom, payload });
  const body = { kind: "signal", signal, for: whom, ...(parsed === undefined ? {} : { payload: parsed }) } as const;
  const ended = await sendOne(engine, record.id, body, { key: known, isPatient: true });
  return ended === null ? record.id : again(engine, { ...record, status: ended }, signal, known);
}

/** What ended a run is sent again by whoever did not hear the answer, and is answered as it was; nothing else is taken. */
async function again(engine: Engine, record: RunRecord, signal: string, known: string | null): Promise<string> {
  if (known !== null) {
    const lines = await engine.store.journal(laneIn(engine.store, record.id), record.id);
    const isKnown = decodedLines(null, record.id, lines).some((line) => {
      const entry = line.kind === "signalled" && line.unread === undefined ? readLine(line) : undefined;
      return entry?.kind === "signalled" && entry.message === known;
    });
    if (isKnown) return record.id;
  }
  throw finished(record, signal);
}

async function runAt(engine: Engine, address: RunAddress): Promise<RunRecord> {
  if (typeof address === "string") return readRun(engine, address);
  checkOptions("The run that a signal is for", address, ADDRESS, NOT_SENT);
  const { store } = engine;
  const { workflow, key, tenant = "" } = address;
  const lane = laneOfKey(workflow, tenant, key, store.lanes);
  const [record] = await store.list(lane, { workflow, key, tenant }, { before: null, limit: 1 });
  if (record !== undefined) return record;
  throw new TenfoldError(
    "RUN_UNKNOWN",
    `There is no run of workflow ${describe(workflow)} with the key ${describe(key)}${tenant === "" ? "" : ` of tenant ${describe(tenant)}`}; ${NOT_SENT}. Start it first, or correct the key; \`tenfold runs --workflow ${workflow}\` lists those there are.`,
    { facts: { workflow, key, tenant } },
  );
}

/** What the run will be given: the payload as the signal's schema parses it. */
async function checked(
  engine: Engine,
  record: RunRecord,
  { signal, whom, payload }: { readonly signal: string; readonly whom: string | null; readonly payload: unknown },
): Promise<Json | undefined> {
  const { graph } = await compiledOf(engine, record);
  const { known, ofScripts } = signalsOf(graph);
  const isChecked = known.get(signal);
  if (isChecked === undefined && ofScripts !== null) throw unknownSignal(record, signal, [...known.keys()]);
  const waits = graph.nodes.filter((node) => node.kind === "wait" && node.signal === signal);
  const isForAll = ofScripts === null || ofScripts.has(signal);
  if (!isForAll && waits.every((node) => node.kind === "wait" && (node.for === null) !== (whom === null)))
    throw forNobody(record, signal, whom);
  const parsed = isChecked === true ? await parsedWith(engine, record, signal, payload) : payload;
  const problem = parsed === undefined ? undefined : jsonProblem(parsed);
  if (problem !== undefined) {
    throw invalid(
      record,
      signal,
      `is not JSON at ${pathText(problem.path) || "its top"}: ${problem.reason}`,
      "Send JSON.",
    );
  }
  const { payloadMax } = engine.settings.limits;
  const size = parsed === undefined ? 0 : JSON.stringify(parsed).length;
  if (size <= payloadMax) return parsed as Json | undefined;
  const message = `What the signal "${signal}" carries is ${size} characters of JSON, and at most ${payloadMax} are kept; ${NOT_SENT}. Store large data elsewhere and send where it is.`;
  throw new TenfoldError("PAYLOAD_TOO_LARGE", message, { facts: { run: record.id, signal, size, max: payloadMax } });
}

async function parsedWith(engine: Engine, record: RunRecord, signal: string, payload: unknown): Promise<unknown> {
  const definition = engine.registry.find(record.workflow);
  const schema = definition?.signals.get(signal);
  if (schema === undefined) {
    throw invalid(
      record,
      signal,
      "has to fit a schema, which only the workflow's code has",
      `Open the store with the workflow "${record.workflow}" among its \`workflows\`.`,
    );
  }
  const parsed = await parseWith(schema, payload);
  if (parsed.ok) return parsed.value;
  throw invalid(
    record,
    signal,
    `does not fit the schema of the signal (${issuesText(parsed.issues)})`,
    "Correct it and send it again; the run waits on.",
    { issues: issueFacts(parsed.issues) },
  );
}

function invalid(
  { id, workflow }: RunRecord,
  signal: string,
  happened: string,
  way: string,
  facts: Readonly<Record<string, unknown>> = {},
): TenfoldError {
  const message = `What the signal "${signal}" carries for run ${id} ${happened}; ${NOT_SENT}. ${way}`;
  return new TenfoldError("SIGNAL_INVALID", message, { facts: { run: id, workflow, signal, ...facts } });
}

function unknownSignal({ id, workflow }: RunRecord, signal: unknown, known: readonly string[]): TenfoldError {
  const nearest = typeof signal === "string" ? nearestName(signal, known) : undefined;
  const way =
    known.length === 0
      ? "It waits for none: draw a `waitFor` in its `flow`."
      : nearest === undefined
        ? `It waits for: ${known.join(", ")}.`
        : `Did you mean "${nearest}"?`;
  return new TenfoldError(
    "SIGNAL_UNKNOWN",
    `Run ${id} of workflow "${workflow}" waits nowhere for a signal ${describe(signal)}; ${NOT_SENT}. ${way}`,
    { facts: { run: id, workflow, signal, nearest } },
  );
}

/** Each wait of that name is for something and the signal is not, or the other way round. */
function forNobody({ id, workflow }: RunRecord, signal: string, whom: string | null): TenfoldError {
  const [happened, way] =
    whom === null
      ? [
          "only for one thing or another",
          "Say which one it is about: `{ for: … }`, or `--for` on the command line, as `waitFor(…, { for })` has it",
        ]
      : [
          "for the run as a whole, and for no single thing",
          "Send it without `for`, or draw what it is about: `waitFor(…, { for })`",
        ];
  return new TenfoldError(
    "SIGNAL_UNKNOWN",
    `Run ${id} of workflow "${workflow}" waits for the signal "${signal}" ${happened}, so nothing would ever receive it; ${NOT_SENT}. ${way}.`,
    { facts: { run: id, workflow, signal, for: whom } },
  );
}

function finished({ id, status }: RunRecord, signal: string): TenfoldError {
  return new TenfoldError(
    "RUN_FINISHED",
    `Run ${id} is ${status}, and takes the signal "${signal}" no more; ${NOT_SENT}. ${status === "completed" ? "Start another run." : `\`tenfold retry ${id}\` has it go on, and then it takes signals again.`}`,
    { facts: { run: id, status, signal } },
  );
}
