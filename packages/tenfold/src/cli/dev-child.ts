/**
 * The part of `tenfold dev` that works, in a process of its own so that new code can take its place: it tells its
 * parent which files it has loaded, and drains when the parent says so, or is gone.
 */
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { TenfoldError } from "../value/error.ts";
import { EXIT, type Call } from "./command.ts";
import { exitCodeOf, tellError } from "./errors.ts";
import { openToWork, type Opened } from "./opening.ts";
import { tellWork } from "./dev-work.ts";

export async function workAsChild(call: Call): Promise<number> {
  // The parent hears Ctrl-C as well, and says what is to be done.
  process.on("SIGINT", () => undefined);
  const stopped = new Promise<void>((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("disconnect", () => resolve());
  });
  const files = collectFiles();
  let opened: Opened;
  try {
    opened = await openToWork(call);
  } catch (thrown) {
    tellError(call.terminal, thrown, call.flags.has("verbose"));
    tellParent({ files: [...files], ends: thrown instanceof TenfoldError && thrown.code === "USAGE" });
    return exitCodeOf(thrown);
  }
  tellParent({ files: [...files], ends: false });
  const stop = tellWork(call.terminal, opened);
  await stopped;
  await opened.tenfold.close();
  stop();
  return EXIT.yes;
}

/** The user's files that are loaded from now on. */
function collectFiles(): ReadonlySet<string> {
  const files = new Set<string>();
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      if (resolved.url.startsWith("file:") && !resolved.url.includes("/node_modules/")) {
        files.add(fileURLToPath(resolved.url));
      }
      return resolved;
    },
  });
  return files;
}

/** What a parent is told: what was loaded, and whether no change of that can help. */
export interface ChildMessage {
  readonly files: readonly string[];
  readonly ends: boolean;
}

function tellParent(message: ChildMessage): void {
  if (process.connected) process.send?.(message, () => undefined);
}
