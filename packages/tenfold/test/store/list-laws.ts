/** What `list` and `tallies` promise: pages without gaps, and counts that equal a recount. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { RunFilter, RunRecord, RunStatus, Store, Tally } from "../../src/store/store.ts";
import { matches } from "../../src/store/filter.ts";
import { runIdMaker } from "../../src/value/id.ts";
import { seededRandom } from "../../src/value/random.ts";
import {
  commitOf,
  COMPLETED,
  FAILED,
  HELD,
  idMaker,
  idsOf,
  joined,
  keyOf,
  law,
  NOW,
  startOf,
  type OpenStore,
} from "./sample.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const STATUSES: readonly RunStatus[] = ["waiting", "running", "completed", "failed", "cancelled", "held"];

export function listLaws(open: OpenStore): void {
  law(open, "any filter lists the runs that match it, newest first, page by page", async (store) => {
    const attributes = await manyRuns(store);
    const all = await store.list(0, {}, { before: null, limit: 1000 });
    assert.equal(all.length, 240);
    await fc.assert(
      fc.asyncProperty(anyFilter(), fc.integer({ min: 1, max: 60 }), async (filter, limit) => {
        const expected = all.filter((run) => matches(run, attributes.get(run.id)!, filter));
        assert.deepEqual(idsOf(await listAll(store, filter, limit)), idsOf(expected));
        const [first] = await store.list(0, filter, { before: null, limit: 1 });
        assert.deepEqual(first, expected[0]);
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  law(open, "pages show each run that was there from the start once, while runs come and change", async (store) => {
    const make = idMaker();
    const a = await joined(store, "a");
    const ids = Array.from({ length: 30 }, (_, index) => make(NOW + index));
    await store.start(
      0,
      ids.map((id) => startOf(id)),
      NOW,
      a,
    );
    const seen: string[] = [];
    let before: string | null = null;
    for (let page = 0; page < 10; page++) {
      const shown: readonly RunRecord[] = await store.list(0, { workflow: "lead-intake" }, { before, limit: 4 });
      seen.push(...idsOf(shown));
      before = shown.at(-1)?.id ?? before;
      await store.start(0, [startOf(make(NOW + 1000 + page))], NOW, null);
      await store.commit(a, [commitOf(ids[page * 3]!, { then: COMPLETED })], NOW);
    }
    assert.deepEqual(seen, [...ids].reverse());
  });

  law(open, "nothing is listed of what is not there", async (store) => {
    const page = { before: null, limit: 10 };
    for (const filter of [{}, { workflow: "none" }, { status: "held" as const }, { key: "none" }, { tenant: "none" }]) {
      assert.deepEqual(await store.list(0, filter, page), []);
    }
    assert.deepEqual(await store.tallies(0, null, null), []);
  });

  law(open, "tallies equal a recount, over any time", async (store) => {
    await manyRuns(store);
    const all = await store.list(0, {}, { before: null, limit: 1000 });
    const time = fc.option(fc.integer({ min: NOW - 2 * MINUTE, max: NOW + 3 * DAY }));
    await fc.assert(
      fc.asyncProperty(time, time, async (from, until) => {
        assert.deepEqual(sorted(await store.tallies(0, from, until)), recount(all, from, until));
      }),
      { numRuns: 200, seed: 5 },
    );
    assert.deepEqual(sorted(await store.tallies(0, null, null)), recount(all, null, null));
  });
}

async function listAll(store: Store, filter: RunFilter, limit: number): Promise<RunRecord[]> {
  const runs: RunRecord[] = [];
  for (;;) {
    const page = await store.list(0, filter, { before: runs.at(-1)?.id ?? null, limit });
    runs.push(...page);
    if (page.length < limit) return runs;
  }
}

/** 240 runs over three days, two workflows, two tenants and none, all statuses; answers their attributes. */
async function manyRuns(store: Store): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const random = seededRandom(3);
  const make = runIdMaker(random);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const a = await joined(store, "a");
  const attributes = new Map<string, ReadonlyMap<string, string>>();
  const starts = Array.from({ length: 240 }, (_, index) => {
    const id = make(NOW - MINUTE + Math.floor((index / 240) * 3 * DAY), 0);
    const facts = [
      { name: "region", value: pick(["eu", "us"]) },
      { name: "size", value: pick(["s", "m", "l"]) },
    ];
    attributes.set(id, new Map(facts.map(({ name, value }) => [name, value])));
    const key = index % 3 === 0 ? keyOf(`k${index % 40}`, { again: true }) : null;
    return startOf(id, { workflow: pick(["w1", "w2"]), tenant: pick(["", "t1", "t2"]), key, attributes: facts });
  });
  for (const [index, start] of starts.entries()) {
    const [answer] = await store.start(0, [start], NOW, index % 4 === 0 ? null : a);
    if (answer!.kind !== "started") {
      await store.start(0, [{ ...start, key: null }], NOW, null);
      continue;
    }
    const cancelled = { ...FAILED, status: "cancelled" } as const;
    const then = [null, COMPLETED, COMPLETED, FAILED, HELD, cancelled, { kind: "keep" } as const][index % 7]!;
    if (index % 4 !== 0 && then !== null) await store.commit(a, [commitOf(start.id, { then })], NOW + 9);
  }
  return attributes;
}

function anyFilter(): fc.Arbitrary<RunFilter> {
  const time = fc.integer({ min: NOW - 2 * MINUTE, max: NOW + 3 * DAY });
  return fc.record(
    {
      workflow: fc.constantFrom("w1", "w2", "none"),
      status: fc.constantFrom(...STATUSES),
      tenant: fc.constantFrom("", "t1", "none"),
      key: fc.constantFrom("k0", "k3", "k39", "none"),
      attribute: fc.constantFrom(
        { name: "region", value: "eu" },
        { name: "size", value: "s" },
        { name: "size", value: "eu" },
      ),
      from: time,
      until: time,
    },
    { requiredKeys: [] },
  );
}

function recount(runs: readonly RunRecord[], from: number | null, until: number | null): Tally[] {
  const counts = new Map<string, number>();
  for (const { workflow, status, startedAt } of runs) {
    const minute = Math.floor(startedAt / MINUTE) * MINUTE;
    if ((from !== null && minute < from) || (until !== null && minute >= until)) continue;
    counts.set(`${workflow} ${status}`, (counts.get(`${workflow} ${status}`) ?? 0) + 1);
  }
  const tallies = [...counts].map(([name, runs]): Tally => {
    const [workflow, status] = name.split(" ") as [string, RunStatus];
    return { workflow, status, runs };
  });
  return sorted(tallies);
}

function sorted(tallies: readonly Tally[]): Tally[] {
  const name = ({ workflow, status }: Tally) => `${workflow} ${status}`;
  return [...tallies].sort((a, b) => (name(a) < name(b) ? -1 : 1));
}
