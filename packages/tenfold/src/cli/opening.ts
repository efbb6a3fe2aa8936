/** Opens the store that a command means, with the config's workflows, as a worker or as a client that executes nothing. */
import { randomUUID } from "node:crypto";
import type { Tenfold } from "../engine/client.ts";
import type { OpenOptions } from "../engine/open.ts";
import type { Log } from "../engine/ports.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { TenfoldError } from "../value/error.ts";
import { factText } from "../value/log-text.ts";
import { nearestName } from "../value/nearest.ts";
import { usageError, type Call } from "./command.ts";
import { findConfig, isUrl, loadConfig, storePath, type LoadedConfig, type StoreName } from "./config.ts";
import { brief, oneLine } from "./columns.ts";
import { devPostgresUrl } from "./dev-postgres.ts";
import { withPatience } from "./patience.ts";
import type { Terminal } from "./terminal.ts";

export interface Opened {
  readonly tenfold: Tenfold;
  readonly config: LoadedConfig;
  /** As a person would name it. */
  readonly store: string;
}

/** Opens the config's store to work on it (or not), with its workflows; `options` come before the config's. */
export async function openConfigured(call: Call, work: boolean, options: Partial<OpenOptions> = {}): Promise<Opened> {
  const config = await mustLoad(call);
  const store = storeOf(call, config)!;
  const log = config.config.log ?? options.log ?? sentenceLog(call.terminal);
  const tenfold = await openStore(call, { ...config.config, ...options, store, work, log });
  return { tenfold, config, store: tenfold.store };
}

/**
 * For `tenfold dev`: each time that it opens the code anew, that is a release of its own; and what bodies log is shown to
 * whoever has just written them.
 */
export async function openToDevelop(call: Call): Promise<Opened> {
  return openToWork(call, { release: randomUUID(), log: sentenceLog(call.terminal, true) });
}

/** Opens the config's store for a worker that others start runs for. */
export async function openToWork(call: Call, options: Partial<OpenOptions> = {}): Promise<Opened> {
  if (storeOf(call, await mustLoad(call)) !== ":memory:") return openConfigured(call, true, options);
  throw usageError(
    `\`tenfold ${call.command}\` works a store that others start runs in, and nobody else reaches one in memory; nothing was done. Give the config a file, \`store: "runs.db"\`, or name one: \`--store runs.db\`.`,
  );
}

/** Opens the store of `--store`, or of the config, to look into it: no workflow's code is needed. */
export async function openStored(call: Call): Promise<Tenfold> {
  return openAsClient(call, await configIfAny(call), []);
}

/** The same with the config's workflows, where there is a config: for what their schemas have to check. */
export async function openWithCode(call: Call): Promise<Tenfold> {
  const config = await configIfAny(call);
  return openAsClient(call, config, config?.config.workflows ?? []);
}

/** Also beside `--store`: the config says how payloads are decoded, and what of them is not to be shown. */
async function configIfAny(call: Call): Promise<LoadedConfig | undefined> {
  const mustBe = !namesStore(call) || findConfig(call.folder, call.flags.text("config")) !== undefined;
  return mustBe ? mustLoad(call) : undefined;
}

async function openAsClient(
  call: Call,
  config: LoadedConfig | undefined,
  workflows: readonly WorkflowDefinition[],
): Promise<Tenfold> {
  const store = storeOf(call, config)!;
  if (store === ":memory:") {
    throw usageError(
      `A store in memory ends with the command that made it, so \`tenfold ${call.command}\` finds nothing there; nothing was done. Give the config a file: \`store: "runs.db"\`.`,
    );
  }
  await mustExist(store);
  const { codec, redact } = config?.config ?? {};
  const payloads = { ...(codec === undefined ? {} : { codec }), ...(redact === undefined ? {} : { redact }) };
  return openStore(call, { ...payloads, store, workflows, work: false, log: sentenceLog(call.terminal) });
}

/** Opens a store; while somebody else has it locked, says what is waited for, and for how long at most. */
async function openStore({ terminal }: Call, options: OpenOptions): Promise<Tenfold> {
  const { open } = await import("../engine/open.ts");
  const { store } = options;
  return withPatience(open(options), async () => {
    const { BUSY_MS, isLocked } = await import("../store/sqlite/open.ts");
    if (typeof store !== "string" || isUrl(store) || !isLocked(store)) return;
    terminal.say(
      `Waiting: another program has locked the store ${store}. It is tried for ${BUSY_MS / 1000} s; Ctrl-C gives up.`,
    );
  });
}

/** The config of `call`; USAGE if there is none. */
export async function mustLoad(call: Call): Promise<LoadedConfig> {
  const file = findConfig(call.folder, call.flags.text("config"));
  if (file !== undefined) return loadConfig(file, call.terminal, !namesStore(call));
  throw new TenfoldError(
    "CONFIG_INVALID",
    `There is no tenfold.config.ts in ${call.folder} or a folder above it; nothing was done. Write one (\`export default { store: "runs.db", workflows: [hello] };\`), or name it with \`--config <file>\`.`,
    { facts: { folder: call.folder } },
  );
}

/** Whether a call says which store it means, whatever the config says. */
function namesStore({ flags }: Call): boolean {
  return flags.has("store") || flags.has("postgres");
}

/** The store that a call means. */
export function storeOf(call: Call, config: LoadedConfig | undefined): StoreName | undefined {
  if (call.flags.has("postgres")) return devPostgresUrl(call);
  const named = call.flags.text("store");
  return named === undefined ? config?.config.store : storePath(named, call.folder);
}

/** The workflow named `name`; WORKFLOW_UNKNOWN, with the nearest name, if the config has none. */
export function workflowNamed(config: LoadedConfig, name: string): WorkflowDefinition {
  const { workflows } = config.config;
  const found = workflows.find((workflow) => workflow.name === name);
  if (found !== undefined) return found;
  const names = workflows.map((workflow) => workflow.name);
  const nearest = nearestName(name, names);
  const known = names.length === 0 ? `${config.file} has none.` : `${config.file} has: ${names.join(", ")}.`;
  throw new TenfoldError(
    "WORKFLOW_UNKNOWN",
    `There is no workflow "${name}"; nothing was done. ${nearest === undefined ? "" : `Did you mean "${nearest}"? `}${known}`,
    { facts: { workflow: name, nearest, known: names } },
  );
}

async function mustExist(store: StoreName): Promise<void> {
  if (typeof store !== "string" || isUrl(store)) return;
  const { existsSync } = await import("node:fs");
  if (existsSync(store)) return;
  throw usageError(
    `There is no store ${store} yet; nothing was done. It is made with the first run: \`tenfold run <workflow> <input>\`.`,
    { store },
  );
}

/** Says which part of the store was not reached: what was shown or changed lacks the runs there. */
export function tellMissing(terminal: Terminal, tenfold: Tenfold): void {
  for (const { server, lanes, reason } of tenfold.missing) {
    const word = terminal.tint("yellow", "missing");
    const which = lanes.length === 1 ? `lane ${lanes[0]}` : `lanes ${lanes.join(", ")}`;
    terminal.say(`${word}: the runs of ${which} on ${server}, which is not reached (${brief(oneLine(reason))})`);
  }
}

/** What is warned of, as sentences; with `bodies` also what a step or a script, which has a node, says for information. */
function sentenceLog(terminal: Terminal, bodies = false): Log {
  return {
    write(level, message, facts) {
      if (level === "debug" || (level === "info" && !(bodies && "node" in facts))) return;
      const details = Object.entries(facts).map(([name, fact]) => `${name} ${brief(factText(fact))}`);
      const style = level === "error" ? "red" : level === "warn" ? "yellow" : "dim";
      const word = terminal.tint(style, level === "warn" ? "warning" : level);
      terminal.say(`${word}: ${oneLine(message)}${details.length === 0 ? "" : ` (${details.join(", ")})`}`);
    },
  };
}
