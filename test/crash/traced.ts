/**
 * The program that is run under strace: `traced.ts <store> <runs>` runs that many runs, one after the other, so that
 * every start and every commit is one of its own. Before it asks the store for a verb, and once that is answered, it
 * writes a line to standard output, in one system call each, which stands in the trace among the store's own.
 */
import { writeSync } from "node:fs";
import { Tenfold } from "../../packages/tenfold/src/engine/client.ts";
import { DEFAULT_SETTINGS, Engine } from "../../packages/tenfold/src/engine/engine.ts";
import { inlineExecutor, stderrLog, systemClock, systemHost } from "../../packages/tenfold/src/engine/system.ts";
import { step, workflow, type Value } from "../../packages/tenfold/src/flow/index.ts";
import { openSqlite } from "../../packages/tenfold/src/store/sqlite/sqlite.ts";
import type { Store } from "../../packages/tenfold/src/store/store.ts";

const STDOUT = 1;

const [file = "", runs = ""] = process.argv.slice(2);
const add = step("add", { run: (n: number) => n + 1 });
const double = step("double", { run: (n: number) => n * 2 });
const traced = workflow("traced", { flow: (n: Value<number>) => double(add(n)) });

const ports = { clock: systemClock, random: Math.random, executor: inlineExecutor, log: stderrLog };
const engine = new Engine(told(await openSqlite(file)), [traced], ports, systemHost(), DEFAULT_SETTINGS);
await engine.open();
const tenfold = new Tenfold(engine);
for (let n = 0; n < Number(runs); n++) {
  const run = await tenfold.start(traced, n);
  await run.result();
}
await tenfold.close();

/** A store that says when it is asked to write, and when it has answered. */
function told(store: Store): Store {
  let asked = 0;
  const tell = async <A extends unknown[], T>(
    verb: "start" | "commit",
    call: (...given: A) => Promise<T>,
    given: A,
  ): Promise<T> => {
    const number = ++asked;
    writeSync(STDOUT, `asked ${verb} ${number}\n`);
    const answer = await call.apply(store, given);
    writeSync(STDOUT, `answered ${verb} ${number}\n`);
    return answer;
  };
  const start: Store["start"] = (...given) => tell("start", store.start, given);
  const commit: Store["commit"] = (...given) => tell("commit", store.commit, given);
  return new Proxy(store, {
    get(target, name) {
      if (name === "start") return start;
      if (name === "commit") return commit;
      const verb = target[name as keyof Store];
      return typeof verb === "function" ? verb.bind(target) : verb;
    },
  });
}
