/** `tenfold migrate`: makes the tables of a store on Postgres, or brings them to this version's format. */
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { isUrl } from "../config.ts";
import { mustLoad, storeOf } from "../opening.ts";
import { withPatience } from "../patience.ts";

export const migrateCommand: Command = {
  name: "migrate",
  takes: "",
  counts: { least: 0, most: 0 },
  summary: "Makes the tables of a store on Postgres, or brings them to the format of this version.",
  about:
    "Whoever opens a store does the same by itself; this is for stores whose users may not, and for looking first.\n" +
    "Workers of the version before go on meanwhile, and beside it.",
  flags: { "dry-run": { type: "boolean", text: "print the SQL, for `psql`, and do nothing" } },
  examples: [
    { line: "tenfold migrate", does: "the store of tenfold.config.ts" },
    { line: "tenfold migrate --dry-run > migration.sql", does: "what that would do" },
    { line: "tenfold migrate --store postgres://owner@db.internal/leads", does: "by the tables' owner" },
  ],
  async run(call: Call): Promise<number> {
    const { terminal, flags } = call;
    const store = storeOf(call, flags.has("store") ? undefined : await mustLoad(call))!;
    if (typeof store !== "string") {
      throw usageError(
        "The store is on several servers; nothing was done. Migrate one after the other: `--store postgres://user@host/database`. Whoever opens the store makes what is not there yet.",
      );
    }
    if (!isUrl(store)) {
      throw usageError(
        `${store} is no store on Postgres: it is brought to its format when it is opened; nothing was done. Name one that is: \`--store postgres://user@host/database\`.`,
      );
    }
    const { migratePostgres } = await import("../../store/postgres/open.ts");
    const isDry = flags.has("dry-run");
    const { sql, ...done } = await withPatience(migratePostgres(store, { isDry }), () => {
      terminal.say(
        "Waiting: the server, or a transaction that is open elsewhere and locks a table, takes its time. Ctrl-C gives up; nothing is done by halves.",
      );
    });
    if (terminal.isJson) terminal.document({ ...done, dryRun: isDry, sql });
    else if (done.from === done.to)
      terminal.say(`${done.store} has format ${done.to}, which is this version's; nothing was done.`);
    else if (isDry) {
      terminal.print(sql.trimEnd());
      terminal.say("Nothing was done.");
    } else if (done.from === 0) terminal.print(`Made the store ${done.store}, of format ${done.to}.`);
    else terminal.print(`Brought ${done.store} from format ${done.from} to ${done.to}.`);
    return EXIT.yes;
  },
};
