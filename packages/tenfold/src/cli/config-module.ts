/**
 * Imports a config's module. It is a program of the user's: one that throws, never comes to its end, or ends all of
 * this, is told by its file, and by the line where that can be known.
 */
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { TenfoldError } from "../value/error.ts";
import { EXIT } from "./command.ts";
import { placeOf } from "./config-place.ts";
import { tellError } from "./errors.ts";
import { withPatience } from "./patience.ts";
import type { Terminal } from "./terminal.ts";

type Exports = Readonly<Record<string, unknown>>;

/** A config may fetch a secret first; after this long it waits for something that does not come. */
const LOAD_MOST_MS = 30_000;

/** What the module in `file` exports; throws CONFIG_INVALID. */
export async function importConfig(file: string, terminal: Terminal, mostMs = LOAD_MOST_MS): Promise<Exports> {
  const onExit = (): void => {
    const called = exitCall(file);
    if (called === undefined) return;
    tellError(terminal, called, false);
    process.exitCode = EXIT.usage;
  };
  const loading = (import(pathToFileURL(file).href) as Promise<Exports>).catch((thrown: unknown) => {
    throw notLoaded(file, thrown);
  });
  process.once("exit", onExit);
  try {
    const loaded = await withPatience(Promise.race([loading, delay(mostMs, null, { ref: false })]), () => {
      terminal.say(
        `Still loading ${file}: it, or what it imports, may wait in a top-level await. It is given ${mostMs / 1000} s.`,
      );
    });
    if (loaded === null) throw notSettled(file, mostMs);
    return loaded;
  } finally {
    process.off("exit", onExit);
  }
}

function notLoaded(file: string, thrown: unknown): TenfoldError {
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { where, facts } = placed(file, cause);
  const name = cause instanceof TenfoldError ? cause.code : cause.name;
  return new TenfoldError(
    "CONFIG_INVALID",
    `The config does not load: ${where}: ${name}: ${sentence(cause.message)} Nothing was done. Correct that line and try again.`,
    { facts: { ...facts, reason: cause.message }, cause },
  );
}

function notSettled(file: string, mostMs: number): TenfoldError {
  return new TenfoldError(
    "CONFIG_INVALID",
    `The config does not load: ${file}: it was not loaded after ${mostMs / 1000} s; a top-level await in it, or in what it imports, waits for what does not come. Nothing was done. Give that a timeout, or have a step do it.`,
    { facts: { file } },
  );
}

/** The call of `process.exit` that this process ends by, told as an error; undefined if it ends by something else. */
function exitCall(file: string): TenfoldError | undefined {
  const here = new Error("process.exit");
  if (!/^\s+at process\.exit /m.test(here.stack ?? "")) return undefined;
  const { where, facts } = placed(file, here);
  return new TenfoldError(
    "CONFIG_INVALID",
    `The config does not load: ${where}: it ends the program with \`process.exit\`. Nothing was done. Take the call out, or throw an error that says what is wrong.`,
    { facts },
  );
}

function placed(
  file: string,
  error: Error,
): { readonly where: string; readonly facts: Readonly<Record<string, unknown>> } {
  const place = placeOf(error, file);
  const through = place === undefined || place.file === file ? "" : ` (loaded by ${file})`;
  return {
    where: place === undefined ? file : `${place.file}:${place.line}${through}`,
    facts: { file: place?.file ?? file, line: place?.line ?? null },
  };
}

function sentence(text: string): string {
  return /[.!?]$/.test(text.trimEnd()) ? text.trimEnd() : `${text.trimEnd()}.`;
}
