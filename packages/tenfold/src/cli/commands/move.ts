/** `tenfold move`: carries all that one store holds into another, and says what has arrived. */
import { existsSync } from "node:fs";
import type { Moved, MoveProgress } from "../../engine/move.ts";
import type { MovingStore } from "../../store/moving.ts";
import { formatDuration } from "../../value/duration.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { tableLines } from "../columns.ts";
import { storePath } from "../config.ts";
import type { Terminal } from "../terminal.ts";
import { countText, plural } from "../time-text.ts";

const TELL_EVERY_MS = 1000;

export const moveCommand: Command = {
  name: "move",
  takes: "<from> <to>",
  counts: { least: 1, most: 2 },
  summary: "Moves a store with all its runs, finished and in flight, from a file to Postgres or back.",
  about: [
    "Stop its workers first, and what else starts runs in it. From then on nobody opens the old store, nor the new one",
    "before both hold the same by count and hash. Interrupted or killed, the same command goes on where it stopped.",
  ].join("\n"),
  flags: {
    undo: { type: "boolean", text: "give up a move that is not finished: the old store is as it was" },
  },
  examples: [
    { line: "tenfold move leads.db postgres://tenfold:secret@db/leads", does: "from the embedded store to a fleet's" },
    { line: "tenfold move postgres://tenfold:secret@db/leads leads.db", does: "and back, into a new file" },
    { line: "tenfold move leads.db --undo", does: "goes on with leads.db after all" },
  ],
  async run(call: Call): Promise<number> {
    const [from, to] = call.words.map((word) => storeNamed(word, call)) as [string, string | undefined];
    if (call.flags.has("undo")) return undo(call, from);
    if (to === undefined) {
      throw usageError(
        `<to> is missing: where to? Nothing was moved. Write \`tenfold move <from> <to>\`, for example \`${moveCommand.examples[0]!.line}\`.`,
      );
    }
    if (from === to) throw usageError(`${from} is already there; nothing was moved. Name another store to move it to.`);
    return moveBetween(call, from, to);
  },
};

function storeNamed(word: string, { folder }: Call): string {
  const named = storePath(word, folder);
  if (typeof named !== "string") {
    throw usageError(
      "A store is moved between a file and one database, and these are the URLs of several servers; nothing was done. Name one of them: a store of several lanes is spread over more servers afterwards (`tenfold lanes move`).",
    );
  }
  if (named !== ":memory:") return named;
  throw usageError(
    "A store in memory ends with the program that made it, so there is nothing to move; nothing was done. Name a file, or a Postgres database.",
  );
}

async function moveBetween(call: Call, from: string, to: string): Promise<number> {
  const { moveStore } = await import("../../engine/move.ts");
  const { systemClock, systemHost } = await import("../../engine/system.ts");
  const startedAt = Date.now();
  return withStore(from, null, (source) =>
    withStore(to, source.lanes, async (target) => {
      const tell = teller(call.terminal);
      const moved = await moveStore(source, target, { clock: systemClock, host: systemHost(), tell });
      return tellMoved(call.terminal, moved, source.name, target.name, Date.now() - startedAt);
    }),
  );
}

async function undo(call: Call, from: string): Promise<number> {
  const { giveUpMove } = await import("../../engine/move.ts");
  return withStore(from, null, async (source) => {
    const to = await giveUpMove(source);
    if (call.terminal.isJson) call.terminal.document({ store: source.name, to, undone: true });
    else {
      call.terminal.print(`${source.name} is as it was before, and is opened again.`);
      call.terminal.say(`${to} holds a part of it, which is of no use: remove it before you move there again.`);
    }
    return EXIT.yes;
  });
}

/** Opens a store to move; `lanes` of one that is made now, null: it has to be there. */
async function withStore(
  name: string,
  lanes: number | null,
  act: (store: MovingStore) => Promise<number>,
): Promise<number> {
  if (lanes === null && !name.includes("://") && !existsSync(name)) {
    throw usageError(`There is no store ${name}; nothing was done. Correct the path.`, { store: name });
  }
  const { openToMove } = await import("../../engine/move.ts");
  const store = await openToMove(name, lanes);
  try {
    return await act(store);
  } finally {
    await store.close();
  }
}

/** Tells at once what is waited for, and once a second how far it is. */
function teller(terminal: Terminal): (progress: MoveProgress) => void {
  let nextAt = Date.now() + TELL_EVERY_MS;
  return (progress) => {
    if (progress.kind === "waiting") {
      const { workers, leaseMs } = progress;
      terminal.say(
        `Waiting ${formatDuration(leaseMs)} to see whether ${workers.join(", ")} of another machine ${workers.length === 1 ? "is" : "are"} dead.`,
      );
    } else if (Date.now() >= nextAt) {
      nextAt = Date.now() + TELL_EVERY_MS;
      terminal.say(`${progress.kind} ${progress.table}: ${plural(progress.rows, "row")}`);
    }
  };
}

function tellMoved(terminal: Terminal, { isOld, tables }: Moved, from: string, to: string, tookMs: number): number {
  if (terminal.isJson) {
    terminal.document({ from, to, existing: isOld, tables, tookMs });
    return EXIT.yes;
  }
  if (isOld) {
    terminal.say(`${from} was moved to ${to} before; nothing was left to do.`);
    return EXIT.yes;
  }
  const columns = [{ title: "table" }, { title: "rows", align: "right" as const }, { title: "hash, the same in both" }];
  const cells = tables.map(({ table, rows, hash }) => [table, countText(rows), hash]);
  for (const line of tableLines(columns, cells, terminal.columns)) terminal.print(line);
  terminal.say(
    `Moved to ${to} in ${formatDuration(Math.max(1, tookMs))}. Name it in the config's \`store\`, or in DATABASE_URL, and start the workers. ${from} is kept, and nobody opens it any more.`,
  );
  return EXIT.yes;
}
