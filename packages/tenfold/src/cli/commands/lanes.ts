/** `tenfold lanes`: shows which server of a store holds which lane, and moves a lane to another one. */
import type { LaneMoved, MoveStage } from "../../store/postgres/move-lane.ts";
import type { Place } from "../../store/postgres/place.ts";
import type { PostgresServers } from "../../store/postgres/servers.ts";
import { TenfoldError } from "../../value/error.ts";
import { formatDuration } from "../../value/duration.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { brief, oneLine, tableLines } from "../columns.ts";
import { mustLoad, storeOf } from "../opening.ts";
import { countText } from "../time-text.ts";

export const lanesCommand: Command = {
  name: "lanes",
  takes: "[move <lane>]",
  counts: { least: 0, most: 2 },
  summary: "Shows which server of a store holds which lane, and moves a lane to another one while it is worked.",
  about:
    "A move carries the lane's rows over while it works, lets it stand still for the last of them, and deletes the\nold ones. One that was cut off is ended by the same command.",
  flags: { to: { type: "string", value: "url", text: "the server that the lane moves to, one of the store's" } },
  examples: [
    { line: "tenfold lanes", does: "which lane is where, with how many runs" },
    { line: "tenfold lanes move 3 --to postgres://b/app", does: "lane 3 is worked on that server from then on" },
  ],
  async run(call: Call): Promise<number> {
    const lane = laneToMove(call);
    const urls = await serversOf(call);
    const { openServers } = await import("../../store/postgres/open-servers.ts");
    const servers = await openServers(urls);
    try {
      if (lane === null) await tellLanes(call, servers);
      else await move(call, servers, lane);
      return EXIT.yes;
    } finally {
      await servers.close();
    }
  },
};

/** Null: they are only shown. */
function laneToMove({ words, flags }: Call): number | null {
  const [verb, text] = words;
  const example = "`tenfold lanes move 3 --to postgres://b/app`";
  if (verb === undefined && !flags.has("to")) return null;
  const lane = Number(text);
  if (verb === "move" && text !== undefined && Number.isInteger(lane) && lane >= 0 && flags.has("to")) return lane;
  throw usageError(`A move takes a lane's number and \`--to\`; nothing was done. Write it as ${example}.`);
}

async function serversOf(call: Call): Promise<readonly string[]> {
  const store = storeOf(call, call.flags.has("store") ? undefined : await mustLoad(call))!;
  if (typeof store !== "string") return store;
  throw usageError(
    "Lanes are shown and moved where a store is a list of Postgres servers, and this one is not; nothing was done. " +
      'Name them all: `store: ["postgres://a/app", "postgres://b/app"]` in the config, or `--store` with commas.',
  );
}

interface LaneShown {
  readonly lane: number;
  readonly server: string | null;
  /** Null: it is not reached. */
  readonly runs: number | null;
}

async function lanesOf(servers: PostgresServers): Promise<readonly LaneShown[]> {
  const lanes = Array.from({ length: servers.lanes }, (_, lane) => lane);
  const missing = new Set(servers.missing.flatMap((each) => each.lanes));
  return Promise.all(
    lanes.map(async (lane) => {
      const server = servers.placeOf(lane)?.name ?? null;
      if (missing.has(lane)) return { lane, server, runs: null };
      const tallies = await servers.tallies(lane, null, null);
      return { lane, server, runs: tallies.reduce((sum, { runs }) => sum + runs, 0) };
    }),
  );
}

async function tellLanes({ terminal }: Call, servers: PostgresServers): Promise<void> {
  const lanes = await lanesOf(servers);
  const { missing } = servers;
  if (terminal.isJson) return terminal.document({ lanes, missing });
  const columns = [{ title: "lane", align: "right" as const }, { title: "server" }, { title: "runs", align: "right" as const }]; // prettier-ignore
  const cells = lanes.map(({ lane, server, runs }) => [
    String(lane),
    server ?? "not reached",
    runs === null ? "not reached" : countText(runs),
  ]);
  for (const line of tableLines(columns, cells, terminal.columns)) terminal.print(line);
  for (const { server, reason } of missing) terminal.say(`${server} is not reached: ${brief(oneLine(reason))}`);
}

const STAGES: Readonly<Record<MoveStage, string>> = {
  copying: "its rows are carried over while it works",
  frozen: "it stands still while the last of them are",
  handed: "all of them are there",
  opened: "it is worked there; the old rows are deleted",
  moved: "the old rows are gone",
};

async function move({ terminal, flags }: Call, servers: PostgresServers, lane: number): Promise<void> {
  if (lane >= servers.lanes) {
    throw usageError(
      `There is no lane ${lane}, only 0 to ${servers.lanes - 1}; nothing was moved. See \`tenfold lanes\`.`,
    );
  }
  const { moveLane } = await import("../../store/postgres/move-lane.ts");
  const target = placeNamed(servers, flags.text("to")!);
  const moved = await moveLane(servers, lane, target, (stage) => terminal.say(`Lane ${lane}: ${STAGES[stage]}.`));
  if (terminal.isJson) terminal.document({ lane, ...moved });
  else terminal.print(movedText(lane, moved));
}

function movedText(lane: number, { from, to, rows, stoodMs }: LaneMoved): string {
  if (from === to) return `Lane ${lane} is on ${to} already; nothing was moved.`;
  const stood = stoodMs < 1 ? "" : ` It stood still for ${formatDuration(Math.ceil(stoodMs))}.`;
  return `Lane ${lane} is on ${to} now, with ${countText(rows)} rows that were compared.${stood}`;
}

/** Whatever the URL says beside the server: user and password may be left out. */
function placeNamed({ places }: PostgresServers, to: string): Place {
  const placeOfUrl = (url: string): string => {
    const { host, pathname } = new URL(url);
    return `${host}${pathname}`;
  };
  const found = URL.canParse(to) ? places.find(({ url }) => placeOfUrl(url) === placeOfUrl(to)) : undefined;
  if (found !== undefined) return found;
  throw new TenfoldError(
    "USAGE",
    `The server of \`--to\` is none of the store's; nothing was moved. Add it to \`store\` first, in every config. There are ${places.map(({ name }) => name).join(", ")}.`,
  );
}
