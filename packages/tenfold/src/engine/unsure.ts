/**
 * Attempts of which nobody knows whether they happened, from outside: which there are, and what somebody knows of one. What
 * would be wrong with that is told at once, before anything is sent.
 */
import { openDoubts, type OpenDoubt } from "../core/constructs/undertaking.ts";
import type { RunError } from "../core/entry.ts";
import { keyText } from "../core/marks.ts";
import { idOfPath } from "../core/path.ts";
import { FINISHED, type MessageBody, type RunRecord } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { jsonProblem, pathText, type Json } from "../value/json.ts";
import { isPlainName } from "../value/plain-name.ts";
import { issuesText, parseWith } from "../value/schema.ts";
import { openInRuns } from "./asked-people.ts";
import { textsOf } from "./body.ts";
import { checkOptions, isFlag, isText, optional, type OptionForm } from "./caller-checks.ts";
import type { Engine } from "./engine.ts";
import { UNSURE_FACT } from "./facts.ts";
import { compiledOf, readRun, stateOf } from "./inspect.ts";
import { sendOne } from "./send-one.ts";

export type Resolution = {
  /** Who says so. tenfold takes your word for it. */
  readonly by: string;
  readonly comment?: string;
} & (
  | {
      /** It has happened, and this is what the body would have answered. */
      readonly happened: true;
      readonly output?: unknown;
    }
  /** It has not, and may be tried again. */
  | { readonly happened: false; readonly output?: never }
);

/** An attempt of which somebody has to say whether it happened. */
export interface UnsureView {
  /** What `resolve` takes: it names this attempt, and no other one of the step. */
  readonly token: string;
  readonly run: string;
  readonly workflow: string;
  readonly key: string | null;
  readonly tenant: string;
  readonly node: string;
  readonly attempt: number;
  /** What the body was given as `ctx.key`: look for it where the step does its work. */
  readonly idempotencyKey: string;
  /** When its body was about to be called (ms since 1970). */
  readonly begunAt: number;
  /** What is known of it. */
  readonly error: RunError;
}

export interface UnsureFilter {
  readonly workflow?: string;
}

const RESOLUTION: Readonly<Record<string, OptionForm>> = {
  happened: {
    fits: isFlag,
    way: "Say whether it happened: `{ happened: true, output, by }`, or `{ happened: false, by }`.",
  },
  output: { fits: () => true, way: "" },
  by: { fits: (value) => isPlainName(value), way: 'Say who says so: `{ by: "kim" }`.' },
  comment: optional(isText, "Give a text."),
};
const FILTER: Readonly<Record<keyof UnsureFilter, OptionForm>> = {
  workflow: optional(isText, "Give a workflow's name."),
};
const NOT_DONE = "nothing was resolved";

/**
 * Says what became of the attempt that `token` names. `<run>:<node>` names whichever of the step is asked about, and a run's id does
 * where it asks about one only.
 */
export async function resolveUnsure(
  engine: Engine,
  token: string,
  resolution: Resolution,
): Promise<{ readonly run: string; readonly node: string }> {
  checkOptions("resolve", resolution, RESOLUTION, NOT_DONE);
  const { happened, by, comment = null } = resolution;
  const name = String(token);
  const [run = ""] = name.split(":", 1);
  const record = await readRun(engine, run);
  if (FINISHED.has(record.status)) throw finished(record);
  const { node, attempt } = chosen(record, openDoubts(await stateOf(engine, record)), name);
  if (!happened && resolution.output !== undefined) {
    const message = `What has not happened has no output; ${NOT_DONE}. Leave \`output\` out, or say that it happened.`;
    throw new TenfoldError("OPTION_UNSUPPORTED", message, { facts: { run, node } });
  }
  const output = happened ? await checked(engine, record, node, resolution.output) : undefined;
  const said = { kind: "resolve", node, attempt, happened, by, comment } as const;
  await tell(engine, record, output === undefined ? said : { ...said, output });
  return { run, node };
}

async function tell(engine: Engine, record: RunRecord, body: MessageBody): Promise<void> {
  const { id: run } = record;
  const { payloadMax } = engine.settings.limits;
  const size = JSON.stringify(body).length;
  if (size > payloadMax) {
    const message = `What was said is ${size} characters of JSON with its output and its comment, and at most ${payloadMax} are kept; ${NOT_DONE}. Store large data elsewhere and say where it is.`;
    throw new TenfoldError("PAYLOAD_TOO_LARGE", message, { facts: { run, size, max: payloadMax } });
  }
  const ended = await sendOne(engine, run, body);
  if (ended !== null) throw finished({ ...record, status: ended });
}

/** What the node will have answered: as the step's schema makes it, where it has one. */
async function checked(engine: Engine, record: RunRecord, node: string, output: unknown): Promise<Json | undefined> {
  const { id: run, workflow } = record;
  const { graph } = await compiledOf(engine, record);
  const drawn = graph.nodes.find(({ id }) => id === idOfPath(node));
  const definition = drawn?.kind === "step" ? engine.registry.find(workflow)?.steps.get(drawn.step) : undefined;
  // What a script calls is known to its code alone: what is given is taken as it stands.
  const isOfScript = graph.nodes.some(({ kind, id }) => kind === "script" && idOfPath(node).startsWith(`${id}/`));
  if (definition === undefined && !isOfScript) {
    const message = `What ${node} answers is checked by its step, which is not in the code that the store was opened with here; ${NOT_DONE}. Open the store with the workflow "${workflow}" among its \`workflows\`.`;
    throw new TenfoldError("STEP_UNKNOWN", message, { facts: { run, node, workflow } });
  }
  const invalid = (happened: string): TenfoldError => {
    const message = `The output that was given for ${node} of run ${run} ${happened}; ${NOT_DONE}. Give what its body would have answered.`;
    return new TenfoldError("OUTPUT_INVALID", message, { facts: { run, node } });
  };
  let answered = output;
  if (definition?.output !== undefined) {
    const { output: schema } = definition;
    const parsed = await Promise.try(() => parseWith(schema, output)).catch((thrown: unknown) => {
      throw invalid(`made the step's schema throw (${textsOf(thrown).message})`);
    });
    if (!parsed.ok) throw invalid(`does not fit the step's schema (${issuesText(parsed.issues)})`);
    answered = parsed.value;
  }
  const problem = answered === undefined ? undefined : jsonProblem(answered);
  if (problem === undefined) return answered as Json | undefined;
  throw invalid(`is not JSON at ${pathText(problem.path) || "its top"}: ${problem.reason}`);
}

function chosen({ id }: RunRecord, open: readonly OpenDoubt[], name: string): OpenDoubt {
  const found = name === id ? open : open.filter((doubt) => [doubt.token, `${id}:${doubt.node}`].includes(name));
  if (found.length === 1) return found[0]!;
  const tokens = open.map(({ token }) => token);
  const [happened, way] = open.length === 0 ? NOTHING_ASKED : wrongName(id, open, name, tokens.join(", "));
  throw new TenfoldError("UNSURE_UNKNOWN", `Run ${id} ${happened}; ${NOT_DONE}. ${way}`, {
    facts: { run: id, tokens },
  });
}

const NOTHING_ASKED = [
  "asks of nothing whether it happened",
  "Somebody has said so, or it is still at work: `tenfold show` says which.",
] as const;

function wrongName(id: string, open: readonly OpenDoubt[], name: string, tokens: string): readonly [string, string] {
  const path = name.slice(id.length + 1);
  if (path === "") return [`asks of ${open.length} steps whether they happened`, `Say which: ${tokens}.`];
  if (!open.some(({ node }) => path.startsWith(`${node}:`) || path.startsWith(`${node}#`)))
    return [`does not ask whether "${path}" happened`, `It asks about: ${tokens}.`];
  return [
    `does not ask whether "${path}" happened, not any more`,
    `Look what came of the attempt that it asks about now: ${tokens}.`,
  ];
}

function finished({ id, status }: RunRecord): TenfoldError {
  const way = status === "completed" ? "" : ` \`tenfold retry ${id}\` has it go on, and then it asks again.`;
  const message = `Run ${id} is ${status}, and asks no more whether something happened; ${NOT_DONE}.${way}`;
  return new TenfoldError("RUN_FINISHED", message, { facts: { run: id, status } });
}

/** Attempts that people are asked about, those of the newest runs first; found by what their runs are indexed by. */
export async function* unsureOf(engine: Engine, filter: UnsureFilter): AsyncGenerator<UnsureView> {
  checkOptions("The filter of what is unsure", filter, FILTER, "nothing was listed");
  const unlisted = (run: string): string => `What is unsure of run ${run} is not listed.`;
  const asking = { facts: [UNSURE_FACT], where: filter, openIn: openDoubts, unlisted };
  for await (const [record, doubts] of openInRuns(engine, asking)) {
    for (const doubt of doubts) yield viewOf(record, doubt);
  }
}

function viewOf({ id, workflow, key, tenant }: RunRecord, doubt: OpenDoubt): UnsureView {
  const { node, token, attempt, begunAt, key: born, error } = doubt;
  const idempotencyKey = keyText(id, node, born);
  return { token, run: id, workflow, key, tenant, node, attempt, idempotencyKey, begunAt, error };
}
