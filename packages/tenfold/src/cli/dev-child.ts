/**
 * The part of `tenfold dev` that works, in a process of its own so that new code can take its place: it tells its
 * parent which files it has loaded, and drains when the parent says so, or is gone.
 */
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { TenfoldError } from "../value/error.ts";
import { EXIT, type Call } from "./command.ts";
import { exitCodeOf, tellError } from "./errors.ts";
import { openToDevelop, type Opened } from "./opening.ts";
import { tellWork } from "./dev-work.ts";
import { hashOfFile, type Sources } from "./source-watch.ts";

export async function workAsChild(call: Call): Promise<number> {
  // The parent hears Ctrl-C as well, and says what is to be done.
  process.on("SIGINT", () => undefined);
  const sources = collectSources();
  let opened: Opened;
  try {
    opened = await openToDevelop(call);
  } catch (thrown) {
    tellError(call.terminal, thrown, call.flags.has("verbose"));
    tellParent({ sources: [...sources], ends: thrown instanceof TenfoldError && thrown.code === "USAGE" });
    return exitCodeOf(thrown);
  }
  tellParent({ sources: [...sources], ends: false });
  // Until it is open there is nothing to finish, and SIGTERM ends it as it ends any program.
  const stopped = new Promise<void>((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("disconnect", () => resolve());
    if (!process.connected) resolve();
  });
  const stop = tellWork(call.terminal, opened);
  await stopped;
  await opened.tenfold.close();
  stop();
  return EXIT.yes;
}

/** The user's files that are loaded from now on. */
function collectSources(): Sources {
  const sources = new Map<string, string | undefined>();
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      if (resolved.url.startsWith("file:") && !resolved.url.includes("/node_modules/")) {
        const file = fileURLToPath(resolved.url);
        // Read before it is loaded: a change in between loads it once more than needed, and none is missed.
        if (!sources.has(file)) sources.set(file, hashOfFile(file));
      }
      return resolved;
    },
  });
  return sources;
}

/** What a parent is told: what was loaded, and whether no change of that can help. */
export interface ChildMessage {
  readonly sources: readonly (readonly [file: string, loaded: string | undefined])[];
  readonly ends: boolean;
}

function tellParent(message: ChildMessage): void {
  if (process.connected) process.send?.(message, () => undefined);
}
