/** `tenfold lanes`, and what other commands say of a server that is away: the real program, on a list of servers. */
import assert from "node:assert/strict";
import { before, describe, test, type TestContext } from "node:test";
import type { OwnPostgres } from "../store/own-postgres.ts";
import { newServer } from "../store/postgres-server.ts";
import { project, type Project } from "./project.ts";

interface Lanes {
  readonly lanes: readonly { readonly lane: number; readonly server: string | null; readonly runs: number | null }[];
}

describe("a store on two servers", () => {
  let servers: OwnPostgres[] = [];

  before(async () => {
    servers = await Promise.all([newServer(), newServer()]);
  });

  function onServers(t: TestContext): Project {
    const one = project(t);
    const urls = JSON.stringify(servers.map(({ url }) => url));
    one.write(
      "tenfold.config.ts",
      `import { hello, leads } from "./flows.ts";\nexport default { store: ${urls}, lanes: 4, workflows: [hello, leads] };\n`,
    );
    return one;
  }

  async function lanesOf(one: Project, ...flags: string[]): Promise<(number | null)[][]> {
    const { lanes } = JSON.parse((await one.call("lanes", "--json", ...flags)).stdout) as Lanes;
    const nth = (server: string | null): number => servers.findIndex(({ port }) => server?.includes(String(port)));
    return lanes.map(({ lane, server, runs }) => [lane, nth(server), runs]);
  }

  test("runs are worked, lanes are shown, and one is moved", async (t) => {
    const one = onServers(t);
    one.write("names.jsonl", Array.from({ length: 8 }, (_, n) => `{"name": "${n}"}\n`).join(""));
    const { code, stderr } = await one.call("run", "hello", "names.jsonl");
    assert.equal(code, 0, stderr);
    const every = (places: readonly number[]) => places.map((place, lane) => [lane, place, 2]);
    assert.deepEqual(await lanesOf(one), every([0, 1, 0, 1]));
    const moved = await one.call("lanes", "move", "2", "--to", servers[1]!.url);
    assert.match(moved.stdout, /^Lane 2 is on postgres:.* now, with \d+ rows that were compared\. It stood still for /);
    assert.match(moved.stderr, /stands still while[^]*old rows are gone/);
    assert.doesNotMatch(moved.stdout + moved.stderr, /:tenfold@/);
    const urls = servers.map(({ url }) => url).join(",");
    assert.deepEqual(await lanesOf(one, "--store", urls), every([0, 1, 1, 1]));
    const again = await one.call("lanes", "move", "2", "--to", servers[1]!.url);
    assert.deepEqual([again.code, /already; nothing was moved/.test(again.stdout)], [0, true]);
    assert.match((await one.call("lanes")).stdout, /^lane +server +runs\n/);
  });

  test("what cannot be meant is refused with the way out", async (t) => {
    const one = onServers(t);
    const { url } = servers[1]!;
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["move"], /takes a lane's number and `--to`/],
      [["move", "1"], /takes a lane's number and `--to`/],
      [["move", "x", "--to", url], /takes a lane's number/],
      [["move", "9", "--to", url], /no lane 9, only 0 to 3/],
      [["move", "1", "--to", "postgres://elsewhere/app"], /none of the store's; nothing was moved/],
      [["--store", url], /a list of Postgres servers, and this one is not/],
    ];
    for (const [words, says] of cases) {
      const { code, stderr } = await one.call("lanes", ...words);
      assert.equal(code, 4, stderr);
      assert.match(stderr, says);
    }
  });

  test("while a server is away, listings have the rest and say what is missing, and starts avoid it", async (t) => {
    const one = onServers(t);
    await servers[0]!.kill();
    const listed = JSON.parse((await one.call("runs", "--json")).stdout) as { runs: unknown[]; missing: { lanes: number[] }[] }; // prettier-ignore
    assert.equal(listed.runs.length, 6);
    assert.deepEqual(
      listed.missing.map(({ lanes }) => lanes),
      [[0]],
    );
    const counted = await one.call("runs", "--count");
    assert.match(counted.stdout, /in all +6/);
    assert.match(counted.stderr, new RegExp(`missing: the runs of lane 0 on postgres:.*:${servers[0]!.port}/`));
    const run = await one.call("run", "hello", '{"name": "Anna"}');
    assert.deepEqual([run.code, /Hello Anna/.test(run.stdout)], [0, true], run.stderr);
    assert.deepEqual((await lanesOf(one))[0], [0, -1, null]);
  });
});
