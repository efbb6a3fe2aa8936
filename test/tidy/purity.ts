/** What code may reach for: nothing of the world on the pure floors, and no environment below the command line. */
import { arrowsOf } from "./imports.ts";
import { matches, type SourceFile } from "./repository.ts";

const PURE = /^packages\/tenfold\/src\/(?:value|flow|core)\//;
const COMMAND_LINE = /^packages\/tenfold\/(?:src\/cli|bin)\//;
const SOURCE = /^packages\/[^/]+\/(?:src|bin)\//;

/** A word that is not the name of a property (`run.process`) or of a member (`fetch(…): …`). */
function global(name: string): RegExp {
  return new RegExp(`(?<![.\\w$#])${name}`, "g");
}

const WORLD: readonly (readonly [string, RegExp])[] = [
  // What it makes of a date is arithmetic.
  ["a clock", global("Date\\b(?!\\.UTC\\()")],
  ["a clock", global("performance\\b")],
  ["a clock", global("Temporal\\b")],
  ["chance", /\bMath\s*\.\s*random\b/g],
  ["chance", global("crypto\\s*[.[]")],
  ["a timer", global("(?:set|clear)(?:Timeout|Interval|Immediate)\\b")],
  ["a timer", global("queueMicrotask\\b")],
  ["a timer", /\bAbortSignal\s*\.\s*timeout\b/g],
  ["I/O", global("process\\s*[.[]")],
  ["I/O", global("console\\s*[.[]")],
  ["I/O", global("fetch\\s*\\(")],
  ["I/O", global("globalThis\\b")],
  ["I/O", global("(?:WebSocket|EventSource|Worker|BroadcastChannel)\\b")],
  ["waiting", global("a(?:wait|sync)\\b")],
  ["waiting", /\bnew\s+Promise\b/g],
  ["waiting", /\bPromise\s*\.\s*\w+/g],
];

const HASH_IMPORT = /^import \{ createHash \} from "node:crypto";$/gm;
/** Types only: the shape of a schema; and what finds the times of a cron after a moment that it is given. */
const PURE_PACKAGES = new Set(["@standard-schema/spec", "croner"]);

/** Clock, chance, timers, I/O and waiting on floors 1 to 3. */
export function impurities(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => PURE.test(path))
    .flatMap((file) => [
      ...WORLD.flatMap(([kind, pattern]) =>
        matches(file, pattern).map(({ at, found }) => `${at} reaches for ${kind}: ${found.trim()}`),
      ),
      ...foreignImports(file),
    ]);
}

function foreignImports(file: SourceFile): readonly string[] {
  const hashes = [...file.text.matchAll(HASH_IMPORT)].length;
  const foreign = arrowsOf(file, new Map()).filter(
    ({ to, specifier }) => to === undefined && !PURE_PACKAGES.has(specifier),
  );
  const crypto = foreign.filter(({ specifier }) => specifier === "node:crypto");
  const refused = crypto.length === hashes ? foreign.filter((arrow) => !crypto.includes(arrow)) : foreign;
  return refused.map(({ at, specifier }) => `${at} imports ${specifier}; a pure floor takes only createHash`);
}

/** `process.env` anywhere but in the command line. */
export function environmentReads(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => SOURCE.test(path) && !COMMAND_LINE.test(path))
    .flatMap((file) => [
      ...matches(file, /\bprocess\s*(?:\?\.|\.)?\s*(?:env\b|\[)/g).map(({ at }) => `${at} reads the environment`),
      ...matches(file, /\{[^{}]*\benv\b[^{}]*\}\s*=\s*process\b/g).map(({ at }) => `${at} reads the environment`),
      ...arrowsOf(file, new Map())
        .filter(({ specifier }) => /^(?:node:)?process$/.test(specifier))
        .map(({ at }) => `${at} imports node:process`),
    ]);
}
