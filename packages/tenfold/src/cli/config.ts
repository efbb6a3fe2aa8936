/**
 * Finds and loads `tenfold.config.ts`, and refuses one that cannot be meant: CONFIG_INVALID, with file, line and cause.
 * A store's file in it is meant from the config's own folder, wherever the command was typed.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { TenfoldError } from "../value/error.ts";
import { nearestName } from "../value/nearest.ts";
import { importConfig } from "./config-module.ts";
import type { Config } from "./define-config.ts";
import type { Terminal } from "./terminal.ts";

const NAMES = ["tenfold.config.ts", "tenfold.config.mts", "tenfold.config.js", "tenfold.config.mjs"];

const KEYS: Readonly<Record<keyof Config, string>> = {
  store: `a file such as "leads.db", "postgres://user:password@host/database", a list of such URLs, or ":memory:"`,
  workflows: "a list of workflows",
  lanes: "a number of lanes for a store that is made now",
  schedules: "true or false",
  events: "true or false",
  release: "a text",
  slots: "a number",
  threads: "a number",
  pools: `a list of pools such as ["heavy"]`,
  exceptPools: `a list of pools such as ["heavy"]`,
  memory: "a number of bytes",
  payload: "a number of characters",
  drain: `a duration such as "10s"`,
  lease: `a duration such as "15s"`,
  log: "an object with `write`",
  codec: "a codec such as `aes256gcm({ keys, use })`",
  redact: `a list of fields such as ["password", "card.number"]`,
};

export interface LoadedConfig {
  readonly file: string;
  readonly config: Config;
}

/** The config that `--config` names, or the nearest one from `folder` upwards; undefined if there is none. */
export function findConfig(folder: string, named: string | undefined): string | undefined {
  if (named !== undefined) {
    const file = path.resolve(folder, named);
    if (existsSync(file)) return file;
    throw new TenfoldError(
      "CONFIG_INVALID",
      `There is no config ${file}; nothing was done. Correct \`--config\`, or leave it out.`,
      { facts: { file } },
    );
  }
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const name = NAMES.find((candidate) => existsSync(path.join(at, candidate)));
    if (name !== undefined) return path.join(at, name);
    if (at === path.dirname(at)) return undefined;
  }
}

/** Loads and checks the config in `file`; it needs a store of its own unless the command names one. */
export async function loadConfig(file: string, terminal: Terminal, needsStore: boolean): Promise<LoadedConfig> {
  return { file, config: checkConfig(file, await importConfig(file, terminal), needsStore) };
}

/** What a config's module exports, as a default or by name. */
export function checkConfig(file: string, exported: Readonly<Record<string, unknown>>, needsStore = true): Config {
  const refuse = (reason: string, facts: Readonly<Record<string, unknown>> = {}): TenfoldError =>
    new TenfoldError("CONFIG_INVALID", `${file}: ${reason}`, { facts: { file, ...facts } });
  const byDefault = "default" in exported;
  const config = byDefault ? exported["default"] : exported;
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw refuse(
      "its default export is no object; nothing was done. Write `export default { store: …, workflows: […] };`.",
    );
  }
  const given = config as Readonly<Record<string, unknown>>;
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || Object.hasOwn(KEYS, key) || (!byDefault && isPart(value))) continue;
    if (key === "work") {
      throw refuse("`work` is not for a config, as the command decides that; nothing was done. Leave it out.", { key });
    }
    const nearest = nearestName(key, Object.keys(KEYS));
    const known = `It takes ${Object.keys(KEYS).join(", ")}.`;
    const way = nearest === undefined ? known : `Did you mean \`${nearest}\`? ${known}`;
    throw refuse(`it exports \`${key}\`, which no config has; nothing was done. ${way}`, { key, nearest });
  }
  if (given["workflows"] === undefined) {
    throw refuse(`it exports no \`workflows\`; nothing was done. Add it: ${KEYS.workflows}.`, { key: "workflows" });
  }
  const store = given["store"] ?? (process.env["DATABASE_URL"] || undefined);
  if (store === undefined && needsStore) {
    const way = `Add it (${KEYS.store}), or set DATABASE_URL`;
    throw refuse(`it exports no \`store\`, and DATABASE_URL names none; nothing was done. ${way}.`, { key: "store" });
  }
  return checkValues(file, { ...given, store }, refuse);
}

type Refuse = (reason: string, facts?: Readonly<Record<string, unknown>>) => TenfoldError;

function checkValues(file: string, given: Readonly<Record<string, unknown>>, refuse: Refuse): Config {
  const { workflows, store } = given;
  if (store !== undefined && !isStore(store)) {
    const found = Array.isArray(store) ? "a list, not of URLs" : typeof store;
    throw refuse(`its \`store\` is ${found}; nothing was done. Give ${KEYS.store}.`);
  }
  if (!Array.isArray(workflows)) {
    throw refuse(`its \`workflows\` is no list; nothing was done. Write \`workflows: [leadIntake]\`.`);
  }
  workflows.forEach((workflow: unknown, index) => {
    if (isWorkflow(workflow)) return;
    const found = isStep(workflow) ? "a step" : workflow === undefined ? "undefined" : `a ${typeof workflow}`;
    throw refuse(
      `number ${index + 1} of its \`workflows\` is ${found}, no workflow; nothing was done. Give what \`workflow("…", { … })\` answers.`,
    );
  });
  const config: Record<string, unknown> = {};
  for (const key of Object.keys(KEYS)) if (given[key] !== undefined) config[key] = given[key];
  if (store !== undefined) config["store"] = storePath(store, path.dirname(file));
  return config as unknown as Config;
}

/** Where runs are kept: a file, a URL, or the URLs of several servers. */
export type StoreName = string | readonly string[];

function isStore(store: unknown): store is StoreName {
  if (typeof store === "string") return store !== "";
  return Array.isArray(store) && store.length > 0 && store.every((url) => typeof url === "string" && isUrl(url));
}

export function isUrl(store: StoreName): boolean {
  return typeof store !== "string" || store.includes("://");
}

/** `store` as it is opened: a file is meant from `folder`, URLs with commas between them are those of several servers. */
export function storePath(store: StoreName, folder: string): StoreName {
  if (typeof store !== "string" || store === ":memory:") return store;
  if (!isUrl(store)) return path.resolve(folder, store);
  const urls = store.split(/,\s*(?=postgres(?:ql)?:\/\/)/);
  return urls.length === 1 ? store : urls;
}

/** What a config may export by name beside its keys: that which it is made of. */
function isPart(value: unknown): boolean {
  return typeof value === "function" || isWorkflow(value);
}

function isWorkflow(value: unknown): value is WorkflowDefinition {
  return typeof value === "object" && value !== null && "graph" in value && "steps" in value && "hash" in value;
}

function isStep(value: unknown): boolean {
  return typeof value === "function" && "definition" in value;
}
