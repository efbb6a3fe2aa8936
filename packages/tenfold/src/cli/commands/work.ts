/** `tenfold work`: a worker for production, until it is told to stop; it drains, and says whether it is ready. */
import type { OpenOptions } from "../../engine/open.ts";
import { durationMs } from "../../value/duration.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { serveHealth, type Health } from "../health.ts";
import { onInterrupt } from "../interruption.ts";
import { openToWork } from "../opening.ts";
import { WorkLog } from "../work-log.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";

const LOOPBACK = "127.0.0.1";
const PORT_MAX = 65_535;

export const workCommand: Command = {
  name: "work",
  takes: "",
  counts: { least: 0, most: 0 },
  summary: "Works the config's store until SIGTERM or Ctrl-C, which lets what runs finish; for production.",
  about: [
    "Any number of them may work the same store. It writes a line, with its time, for what somebody may have to look at,",
    "and a sum a minute. Nothing is reloaded: a deploy starts new workers and stops the old ones.",
  ].join("\n"),
  flags: {
    slots: { type: "string", value: "count", text: "bodies that run at once, instead of the config's `slots`" },
    only: { type: "string", value: "pools", text: "serves just these pools: heavy, or heavy,gpu" },
    except: { type: "string", value: "pools", text: "serves all pools but these" },
    drain: {
      type: "string",
      value: "duration",
      text: "how long bodies may go on when it stops, instead of the config's",
    },
    health: { type: "string", value: "port", text: "serves /live and /ready there (0: any free port, which is told)" },
    host: { type: "string", value: "address", text: `where they are served; ${LOOPBACK} unless told otherwise` },
  },
  examples: [
    { line: "tenfold work", does: "works the store of the config, or of DATABASE_URL" },
    {
      line: "tenfold work --store postgres://tenfold:secret@db/leads --health 8080 --host 0.0.0.0 --json",
      does: "in a container: probed on port 8080, its log as JSON lines",
    },
    { line: "tenfold work --only heavy", does: 'calls only the bodies of steps with `queue: { pool: "heavy" }`' },
    { line: "tenfold work --slots 50 --drain 1m", does: "at most 50 bodies at once, which have a minute to finish" },
  ],
  async run(call: Call): Promise<number> {
    const options = readOptions(call);
    keepYoungGenerationSmall();
    const log = new WorkLog(call.terminal);
    let state: "starting" | "working" | "draining" = "starting";
    let isReady = (): boolean => false;
    const health = await startHealth(call, () => {
      if (state !== "working") return state;
      return isReady() ? null : "stalled";
    });
    try {
      // Until it is open there is nothing to finish, and a signal ends it as it ends any program.
      const { tenfold, store } = await openToWork(call, { ...options, log });
      const interruption = onInterrupt();
      isReady = () => tenfold.isReady;
      state = "working";
      const workflows = tenfold.workflows.map(({ name }) => name);
      const served = health === undefined ? {} : { health: `http://${health.host}:${health.port}` };
      log.tell("info", "ready", "working", { store, workflows, ...served });
      const stop = log.follow(tenfold);
      const signal = await interruption.first;
      state = "draining";
      log.tell("info", "draining", "stopping: what runs is finished first", { signal });
      const { stopped } = await tenfold.close();
      stop();
      log.tell(stopped === 0 ? "info" : "warn", "stopped", "stopped", { bodiesCutShort: stopped });
      return EXIT.yes;
    } finally {
      health?.close();
    }
  },
};

type Options = Pick<OpenOptions, "slots" | "drain" | "pools" | "exceptPools">;

function readOptions({ flags }: Call): Options {
  const [slots, drain] = [flags.text("slots"), flags.text("drain")];
  if (drain !== undefined) durationMs(drain, "`--drain`");
  return {
    ...(slots === undefined ? {} : { slots: wholeNumber("--slots", slots, 1, Number.MAX_SAFE_INTEGER) }),
    ...(drain === undefined ? {} : { drain }),
    ...readPools(flags.text("only"), flags.text("except")),
  };
}

/** They come in the place of both that the config has. */
function readPools(only: string | undefined, except: string | undefined): Options {
  if (only === undefined && except === undefined) return {};
  if (only === undefined) return { pools: undefined, exceptPools: namesOf("--except", except!) };
  if (except === undefined) return { pools: namesOf("--only", only), exceptPools: undefined };
  throw usageError(
    "`--only` and `--except` say the same from both ends; nothing was worked. Write the pools that it serves, or those that it does not.",
  );
}

function namesOf(flag: string, text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => name !== "")) return names;
  throw usageError(
    `\`${flag} ${text}\` names no pools; nothing was worked. Write \`${flag} heavy\`, or \`${flag} heavy,gpu\`.`,
  );
}

async function startHealth({ flags }: Call, reason: () => string | null): Promise<Health | undefined> {
  const [port, host] = [flags.text("health"), flags.text("host")];
  if (port !== undefined) return serveHealth(host ?? LOOPBACK, wholeNumber("--health", port, 0, PORT_MAX), reason);
  if (host === undefined) return undefined;
  throw usageError(
    "`--host` says where /live and /ready are served, and nothing is; nothing was worked. Add `--health <port>`.",
  );
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  const range = most === PORT_MAX ? `${least} to ${most}` : `${least}`;
  throw usageError(`\`${flag} ${text}\` is not meant; nothing was worked. Write a whole number from ${range}.`);
}
