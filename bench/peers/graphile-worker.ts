/** Child: single jobs of graphile-worker, and chains of five in which each job adds the next. */
import { Logger, makeWorkerUtils, run, type Runner, type Task } from "graphile-worker";
import pg from "pg";
import { inBatches, order, race, type Order } from "./race.ts";

const worker = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};

await race(async ({ url, done }) => {
  const pool = new pg.Pool({ connectionString: url, max: worker.maxPoolSize });
  // It asks for a handler of each; what goes wrong fails a query too, and with it the race.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const preset = { worker: { ...worker, connectionString: url, logger: new Logger(() => () => {}) } };
  const utils = await makeWorkerUtils({ pgPool: pool, preset });
  await utils.migrate();
  const started = { five: 0, one: 0 };
  let told = () => {};
  const five: Task = async (payload, { addJob }) => {
    const { step, order } = payload as { step: number; order: Order };
    if (step === 5) done();
    else await addJob("five", { step: step + 1, order });
  };
  const one: Task = async () => {
    done();
    told();
  };
  let runner: Runner | undefined;
  return {
    settings: `concurrentJobs 24, maxPoolSize 25, localQueue.size 500, completeJobBatchDelay 0 (as its page on performance); jobs added 1,000 a call`,
    startsApart: true,
    async start(shape, runs) {
      started[shape] += runs;
      const job = (index: number) => ({ identifier: shape, payload: { step: 1, order: order(index) } });
      await inBatches(runs, 1000, job, (jobs) => utils.addJobs(jobs));
    },
    async work() {
      runner = await run({ pgPool: pool, preset, noHandleSignals: true, taskList: { five, one } });
    },
    async rest() {
      await runner?.stop();
    },
    // A job that ended well is deleted; a run of five is one row at any time, or none.
    async ended(shape) {
      const { rows } = await pool.query<{ count: number }>(
        "select count(*)::int as count from graphile_worker.jobs where task_identifier = $1",
        [shape],
      );
      return started[shape] - rows[0]!.count;
    },
    async one() {
      const ended = new Promise<void>((resolve) => (told = resolve));
      await utils.addJob("one", { step: 1, order: order(1) });
      await ended;
    },
    async close() {
      await utils.release();
      await pool.end();
    },
  };
});
