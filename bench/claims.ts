/** Child: what a claim of a hundred runs costs on this store, through the port. */
import { openPostgres } from "../packages/tenfold/src/store/postgres/open.ts";
import { openSqlite } from "../packages/tenfold/src/store/sqlite/sqlite.ts";
import { answer, asked, quantile } from "./child.ts";

const { store, workflow, claims } = asked<{ store: string; workflow: string; claims: number }>();
const opened = await (store.includes("://") ? openPostgres(store) : openSqlite(store));
const lease = { lane: 0, owner: `bench-${Date.now()}` };
await opened.join(lease, { worker: "bench", host: "bench", process: "bench" });
const tookMs: number[] = [];
for (let index = 0; index < claims; index++) {
  const startedAt = performance.now();
  const claimed = await opened.claim(lease, [workflow], Date.now(), 100, 64 * 1024 * 1024);
  tookMs.push(performance.now() - startedAt);
  if (claimed.length !== 100) throw new Error(`a claim found ${claimed.length} runs`);
}
await opened.close();
answer({ p50: quantile(tookMs, 0.5), p90: quantile(tookMs, 0.9) });
