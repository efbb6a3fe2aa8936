/** Where in the user's files an error arose while a config was loaded: file and line, out of what Node says. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export interface Place {
  readonly file: string;
  readonly line: number;
}

/** tenfold's own sources: an error thrown there is about the line that called them. */
const OWN_FOLDER = path.resolve(import.meta.dirname, "..") + path.sep;

/** The line of the user's that `error` is about; `config` is the file that was loaded. */
export function placeOf(error: Error, config: string): Place | undefined {
  return headPlace(error) ?? importPlace(error) ?? framePlace(error) ?? syntaxPlace(error, config);
}

/** Syntax errors of modules begin with `file:///…:12`. */
function headPlace({ stack = "" }: Error): Place | undefined {
  const found = /^(file:\/\/.+):(\d+)\n/.exec(stack);
  return found === null ? undefined : { file: fileURLToPath(found[1]!), line: Number(found[2]) };
}

/** `Cannot find module '/a/b.ts' imported from /a/c.ts`: the line of c.ts that names it. */
function importPlace({ message }: Error): Place | undefined {
  const found = /^Cannot find (?:module|package) '([^']+)' imported from (.+)$/m.exec(message);
  if (found === null) return undefined;
  const [, missing, file] = found;
  const name = path.basename(missing!);
  const lines = linesOf(file!);
  const isImport = (line: string): boolean => /\b(?:import|from|export)\b/.test(line);
  const index = lines.findIndex((line) => line.includes(name) && isImport(line));
  return { file: file!, line: Math.max(0, index) + 1 };
}

/** The innermost call that is neither Node's, nor a dependency's, nor ours. */
function framePlace({ stack = "" }: Error): Place | undefined {
  for (const [, url, line] of stack.matchAll(/^\s+at .*?(file:\/\/[^\s)]+?):(\d+):\d+\)?$/gm)) {
    const file = fileURLToPath(url!);
    if (file.startsWith(OWN_FOLDER) || file.includes(`${path.sep}node_modules${path.sep}`)) continue;
    return { file, line: Number(line) };
  }
  return undefined;
}

/** Node does not say where plain JavaScript is wrong, unless it is asked to check that file. */
function syntaxPlace(error: Error, config: string): Place | undefined {
  if (!(error instanceof SyntaxError)) return undefined;
  const { stderr } = spawnSync(process.execPath, ["--check", config], { encoding: "utf8" });
  const found = /^(?:file:\/\/)?(\/.+|[A-Za-z]:.+):(\d+)$/m.exec(stderr);
  return found === null ? undefined : { file: found[1]!, line: Number(found[2]) };
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    return [];
  }
}
