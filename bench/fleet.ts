/** Many workers, each a process of its own, on one store: what they do together, and what they ask for while idle. */
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { begin, measure, measured, quantile } from "./child.ts";
import type { Bench } from "./measures.ts";
import type { Report } from "./table.ts";
import type { PostgresTarget } from "./target.ts";

const WORK_MS_MAX = 300_000;

interface Worker {
  readonly ended: number;
  readonly peakMiB: number;
}

/** Of the runs, after which a fleet is measured: until then its programs are compiled, four times as much by four. */
const WARM = 0.25;

/** Four workers in sum, and one, in turns, once they are warm; to the last run's end. */
export async function workers({ target, scale, rounds, say }: Bench<PostgresTarget>): Promise<Report> {
  const runs = Math.round(60_000 * scale);
  const speeds = new Map<number, number[]>([
    [1, []],
    [4, []],
  ]);
  const peaks: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const [count, stepsPerSecond] of speeds) {
      say(`${count} worker(s), ${runs} runs of five steps, round ${round} of ${rounds}`);
      const store = await target.newStore();
      await measure("start-runs.ts", { store, workflow: "five-in-a-row", runs });
      const { runsPerSecond, peakMiB } = await worked(store, count, runs);
      stepsPerSecond.push(runsPerSecond * 5);
      if (count > 1) peaks.push(peakMiB);
      await target.dropStore(store);
    }
  }
  const [one, four] = [speeds.get(1)!, speeds.get(4)!];
  const ratios = four.map((speed, round) => speed / one[round]!);
  return {
    rows: [
      {
        name: "4 workers on one store, in sum",
        value: quantile(four, 0.5),
        unit: "steps/s",
        floor: quantile(one, 0.5),
        ratio: quantile(ratios, 0.5),
        must: "not slower than one",
      },
      {
        name: "4 workers: the largest peak memory",
        value: Math.max(...peaks),
        unit: "MiB",
        must: "200 MiB",
      },
    ],
    notes: ['"4 workers": the floor is one worker; both are measured after a quarter of the runs, which warms them.'],
  };
}

async function worked(store: string, count: number, runs: number): Promise<{ runsPerSecond: number; peakMiB: number }> {
  const fleet = await newFleet(store, count);
  try {
    const endedBy = fleet.map(() => 0);
    let warm = { ended: 0, at: 0 };
    const endedAt = await new Promise<number>((resolve, reject) => {
      fleet.forEach((worker, index) => {
        worker.on("exit", () => reject(new Error("a worker of the fleet died")));
        worker.on("message", (told) => {
          if (typeof told !== "number") return;
          endedBy[index] = told;
          const ended = sum(endedBy);
          if (warm.at === 0 && ended >= runs * WARM) warm = { ended, at: performance.now() };
          if (ended >= runs) resolve(performance.now());
        });
        worker.send("go");
      });
      void setTimeout(WORK_MS_MAX, undefined, { ref: false }).then(() =>
        reject(new Error(`${sum(endedBy)} of ${runs} runs ended in time`)),
      );
    });
    const told = await over(fleet);
    const total = sum(told.map(({ ended }) => ended));
    if (total !== runs) throw new Error(`the fleet told of ${total} runs, and ${runs} were started`);
    const runsPerSecond = ((runs - warm.ended) / (endedAt - warm.at)) * 1000;
    return { runsPerSecond, peakMiB: Math.max(...told.map(({ peakMiB }) => peakMiB)) };
  } finally {
    for (const worker of fleet) worker.kill("SIGKILL");
  }
}

interface Statement {
  readonly query: string;
  readonly calls: number;
}

const STATEMENTS = `
  select s.query, s.calls::float8 as calls from pg_stat_statements s join pg_database d on d.oid = s.dbid
  where d.datname = $1 order by s.calls desc`;

/** Ten workers with nothing to do: what they ask of the server a second, its own statements and transactions. */
export async function idleFleet({ target, scale, say }: Bench<PostgresTarget>): Promise<Report> {
  const seconds = scale < 1 ? 15 : 60;
  say(`10 idle workers, ${seconds} seconds`);
  const store = await target.newStore();
  const database = new URL(store).pathname.slice(1);
  const server = new pg.Client(target.url);
  await server.connect();
  await server.query("create extension if not exists pg_stat_statements");
  await server.query(`alter database ${database} set pg_stat_statements.track = 'top'`);
  const transactions = async () => {
    const { rows } = await server.query<{ count: number }>(
      "select (xact_commit + xact_rollback)::float8 as count from pg_stat_database where datname = $1",
      [database],
    );
    return rows[0]!.count;
  };
  const fleet = await newFleet(store, 10);
  try {
    const opened = Promise.all(fleet.map((worker) => message(worker, "open")));
    for (const worker of fleet) worker.send("go");
    await opened;
    // The server tells of a transaction up to ten seconds later.
    await setTimeout(15_000);
    const before = await transactions();
    await server.query("select pg_stat_statements_reset()");
    await setTimeout(seconds * 1000);
    const { rows: statements } = await server.query<Statement>(STATEMENTS, [database]);
    const after = await transactions();
    const peaks = (await over(fleet)).map(({ peakMiB }) => peakMiB);
    return idleReport(seconds, statements, after - before, Math.max(...peaks));
  } finally {
    for (const worker of fleet) worker.kill("SIGKILL");
    await server.end();
    await target.dropStore(store);
  }
}

function idleReport(seconds: number, statements: readonly Statement[], transactions: number, peakMiB: number): Report {
  return {
    rows: [
      {
        name: "10 idle workers, one lane: statements",
        value: sum(statements.map(({ calls }) => calls)) / seconds,
        unit: "a second",
        must: "fewer than 3",
      },
      { name: "10 idle workers, one lane: transactions", value: transactions / seconds, unit: "a second" },
      {
        name: "10 idle workers: the largest peak memory",
        value: peakMiB,
        unit: "MiB",
        must: "200 MiB",
      },
    ],
    notes: [
      `idle: counted for ${seconds} seconds by pg_stat_statements (BEGIN and COMMIT too) and pg_stat_database`,
      ...statements.slice(0, 6).map(({ query, calls }) => {
        const words = query.replace(/\s+/g, " ").trim();
        return `idle: ${(calls / seconds).toFixed(2)} a second \`${words.length > 90 ? `${words.slice(0, 90)}…` : words}\``;
      }),
    ],
  };
}

/** Workers that have loaded all they need, and wait to be sent off. */
async function newFleet(store: string, count: number) {
  const fleet = Array.from({ length: count }, () => begin("fleet-worker.ts", { store }));
  await Promise.all(fleet.map((worker) => message(worker, "ready")));
  return fleet;
}

function over(fleet: Awaited<ReturnType<typeof newFleet>>): Promise<Worker[]> {
  return Promise.all(
    fleet.map((worker) => {
      const last = measured<Worker>(worker, "fleet-worker.ts", 60);
      worker.send("over");
      return last;
    }),
  );
}

function message(worker: ReturnType<typeof begin>, wanted: string): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on("message", (told) => told === wanted && resolve());
    worker.on("exit", (code) => reject(new Error(`a worker of the fleet ended with ${code}`)));
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
