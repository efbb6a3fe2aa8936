/**
 * The simulator on each store: its workers, crashes and lost answers play on the memory store, which the auditor sees, and
 * on another one beside it, which has to give every answer that the memory store gives.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseArgs } from "node:util";
import { simulate, type OpenTried } from "../../src/testing/simulator/simulation.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { openPostgres } from "../../src/store/postgres/open.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { newFile } from "../store/files.ts";
import { newSchema, postgresServer } from "../store/postgres-server.ts";

const { values } = parseArgs({ options: { seed: { type: "string" } } });
const first = Number(values.seed ?? 1 + Math.floor(Math.random() * 1_000_000));

const stores: readonly { readonly name: string; readonly seeds: number; readonly open: OpenTried }[] = [
  { name: "SQLite", seeds: 40, open: (lanes) => openSqlite(newFile(), { lanes }) },
  {
    name: "Postgres",
    seeds: 15,
    open: async (lanes) => {
      const store = await openPostgres((await postgresServer()).url, { lanes, schema: newSchema() });
      // In a moment of this machine a minute of the simulation goes by, in which much comes late.
      const claim = store.claim.bind(store);
      const look = store.look.bind(store);
      return Object.assign(store, {
        claim: async (...args: Parameters<typeof claim>) => {
          store.expectLate();
          return claim(...args);
        },
        look: async (...args: Parameters<typeof look>) => {
          store.expectLate();
          return look(...args);
        },
      });
    },
  },
];

describe("the simulator on each store", () => {
  for (const { name, seeds, open } of stores) {
    test(`on ${name} every promise holds, and every answer is that of the memory store`, async () => {
      let bodies = 0;
      const count = values.seed === undefined ? seeds : 1;
      for (let seed = first; seed < first + count; seed++) {
        const result = await simulate(seed, open);
        const again = `npx node packages/tenfold/test/testing/simulated-stores.test.ts --seed ${seed}`;
        assert.equal(result.violation?.message, undefined, `seed ${seed} on ${name}; again: ${again}`);
        bodies += result.bodies;
      }
      assert.ok(bodies > 0, "bodies were called");
    });
  }

  test("a store that answers otherwise is found", async () => {
    const forgetful = async (lanes: number): Promise<Store> => {
      const store = new MemoryStore(lanes);
      const claim = store.claim.bind(store);
      return Object.assign(store, {
        claim: async (...args: Parameters<typeof claim>) =>
          (await claim(...args)).map((run) => ({ ...run, deaths: Math.min(run.deaths, 1) })),
      });
    };
    const violations: string[] = [];
    for (let seed = 1; seed <= 200 && violations.length === 0; seed++) {
      const { violation } = await simulate(seed, forgetful);
      if (violation !== null) violations.push(violation.message);
    }
    assert.match(violations[0] ?? "", /a store answers what the model does.*"verb":"claim"/);
  });
});
