/** The Postgres of `tenfold dev --postgres`: in a folder beside the config, where other commands find it. */
import path from "node:path";
import { usageError, type Call } from "./command.ts";
import { findConfig } from "./config.ts";
import { runningServer } from "./postgres-files.ts";

function folderOf({ folder, flags }: Call): string {
  if (flags.has("store")) {
    throw usageError("`--store` and `--postgres` both name a store; nothing was done. Leave one of them out.");
  }
  const config = findConfig(folder, flags.text("config"));
  return path.join(config === undefined ? folder : path.dirname(config), ".tenfold", "postgres");
}

/** The URL of the server that runs; throws USAGE if none does. */
export function devPostgresUrl(call: Call): string {
  const folder = folderOf(call);
  const url = runningServer(folder);
  if (url !== undefined) return url;
  throw usageError(
    `The Postgres of \`tenfold dev --postgres\` does not run (its data stay in ${folder}); nothing was done. Start \`tenfold dev --postgres\` in another terminal, then try again.`,
    { folder },
  );
}

/** Calls `act` while the server runs, which is stopped behind it if it was started here. */
export async function withDevPostgres<T>(call: Call, act: () => Promise<T>): Promise<T> {
  const { startServer } = await import("./postgres-server.ts");
  const { terminal } = call;
  const folder = folderOf(call);
  const shown = path.relative(call.folder, folder);
  const server = await startServer(folder);
  const { host } = new URL(server.url);
  const say = (text: string): void => terminal.say(terminal.tint("dim", text));
  let isStopping = false;
  if (server.isOurs) {
    say(`Postgres runs on ${host}, until this ends; its data, and its URL, are in ${shown}.`);
    void server.ended.then(() => {
      if (!isStopping) say(`Postgres has ended by itself (its log is in ${shown}). Stop this, and start it again.`);
    });
  } else {
    say(`Postgres runs already, on ${host}, started by another \`tenfold dev --postgres\`, and ends with that one.`);
  }
  try {
    return await act();
  } finally {
    isStopping = true;
    await server.stop();
  }
}
