/**
 * The floor of the fleet's store: a bare loop that writes the rows of finished runs to the same tables, durably, with
 * no engine: no lease, no claim, no wait for a body. A column a parameter, as many rows a transaction as pay.
 */
import pg from "pg";
import { joined, jsons, plain, texts } from "../packages/tenfold/src/store/postgres/arrays.ts";
import { openPostgres } from "../packages/tenfold/src/store/postgres/open.ts";
import { runIdMaker } from "../packages/tenfold/src/value/id.ts";
import type { Floor, FloorOptions } from "./sqlite-floor.ts";

const INPUT = JSON.stringify({ email: "kim@example.com", company: "Example GmbH", country: "DE", size: 120 });
const LINE = JSON.stringify({ attempt: 1, tookMs: 3, output: { name: "Example GmbH", size: 120, sector: "retail" } });
const OUTPUT = JSON.stringify({ tier: "hot", owner: "kim", points: 80 });

const START = `
  insert into floor.runs (lane, id, workflow, status, owner, mail, deaths, tenant, generation, graph, input)
  select 0, t.id, 'five-steps', 1, 'floor', 0, 0, '', 1, 'graph', t.input
  from unnest($1::text[], ${jsons("$2")}) as t (id, input)`;
const LINES = `
  insert into floor.journal (lane, run, seq, kind, node, data, at)
  select 0, t.run, t.seq, t.kind, t.node, t.data, t.at
  from unnest($1::text[], $2::integer[], $3::text[], $4::text[], ${jsons("$5")}, $6::bigint[])
    as t (run, seq, kind, node, data, at)`;
const END = `
  update floor.runs r set owner = null, status = 2, output = t.output, ended_at = t.at
  from unnest($1::text[], ${jsons("$2")}, $3::bigint[]) as t (id, output, at)
  where r.lane = 0 and r.id = t.id`;

/** Writes `runs` runs of `steps` lines each: started and owned, a commit for each step, ended with the last. */
export async function postgresFloor(url: string, options: FloorOptions): Promise<Floor> {
  const { runs, steps, stepsTogether = 1, batch = 4000, input = INPUT, line = LINE, output = OUTPUT } = options;
  const client = new pg.Client({ connectionString: url, ...{ pipeline: true } });
  await client.connect();
  await client.query("drop schema if exists floor cascade");
  await (await openPostgres(url, { schema: "floor" })).close();
  const commit = (...statements: readonly (readonly [sql: string, ...values: string[]])[]) =>
    Promise.all([
      client.query("begin"),
      ...statements.map(([text, ...values]) => client.query({ name: text.slice(0, 40), text, values })),
      client.query("commit"),
    ]);
  const makeId = runIdMaker(Math.random);
  const startedMs = performance.now();
  for (let first = 0; first < runs; first += batch) {
    const now = Date.now();
    const ids = Array.from({ length: Math.min(batch, runs - first) }, () => makeId(now, 0));
    await commit([START, texts(ids), joined(ids.map(() => input))]);
    for (let step = 0; step < steps; step += stepsTogether) {
      const until = Math.min(step + stepsTogether, steps);
      const lines = ids.flatMap((id) =>
        Array.from({ length: until - step }, (_, index) => ({ id, seq: step + index })),
      );
      const insert = [
        LINES,
        texts(lines.map(({ id }) => id)),
        plain(lines.map(({ seq }) => seq)),
        texts(lines.map(() => "done")),
        texts(lines.map(() => "step")),
        joined(lines.map(() => line)),
        plain(lines.map(() => now)),
      ] as const;
      if (until < steps) await commit(insert);
      else await commit([END, texts(ids), joined(ids.map(() => output)), plain(ids.map(() => now))], insert);
    }
  }
  const wallMs = performance.now() - startedMs;
  await client.query("drop schema floor cascade");
  await client.end();
  const runsPerSecond = (runs / wallMs) * 1000;
  return { stepsPerSecond: runsPerSecond * steps, runsPerSecond, wallMs };
}
