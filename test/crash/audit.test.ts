/** The audit of the crash test finds each breach that is planted in the evidence of a small one, which has none. */
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { before, test } from "node:test";
import { audit } from "./audit.ts";
import { crashRun } from "./crash-run.ts";
import { deathsOf } from "./deaths.ts";
import { EffectLog, LogReader, type Mark } from "./effect-log.ts";
import type { BeforeMark, Evidence, RunSeen } from "./evidence.ts";

type Open<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? I[] : T[K] };
type OpenRun = Open<RunSeen>;
type OpenEvidence = Open<Evidence> & { runs: OpenRun[] };

const kept: { evidence: Evidence | null } = { evidence: null };

before(() => crashRun(11, 8, (evidence) => void (kept.evidence = evidence)));

/** What the audit says once `plant` has changed the evidence; each promise once. */
function broken(plant: (evidence: OpenEvidence) => void): readonly string[] {
  const evidence = structuredClone(kept.evidence!) as OpenEvidence;
  plant(evidence);
  return [...new Set(audit(evidence).map(({ promise }) => promise))];
}

function befores({ marks }: OpenEvidence, fits: (mark: BeforeMark) => boolean): BeforeMark[] {
  return marks.filter((mark) => mark.kind === "before" && fits(mark)) as BeforeMark[];
}

/** The life that ended last and was never killed. */
function lastLife({ marks }: OpenEvidence): number {
  return Math.max(...marks.map(({ life }) => life));
}

function again(mark: BeforeMark, life: number): Mark {
  return { ...mark, life, call: `${life}.again` };
}

test("a small crash test breaks no promise", () => {
  assert.deepEqual(audit(kept.evidence!), []);
});

test("a lost run, a key with two runs and a run that is not finished are found", () => {
  const lost = broken(({ runs }) => runs.shift());
  assert.ok(lost.includes("an accepted run is never lost"));
  assert.ok(lost.includes("one key is one run"));
  assert.deepEqual(
    broken(({ marks }) => marks.push({ life: 0, kind: "accepted", order: 1, run: "another", existing: false })),
    ["an accepted run is never lost"],
  );
  assert.ok(broken(({ runs }) => runs.push({ ...runs[0]!, id: "second" })).includes("one key is one run"));
  assert.deepEqual(
    broken(({ runs }) => (runs[0]!.status = "held")),
    ["once the kills end, every run completes", "counts are what a recount finds"],
  );
});

test("a result that is computed again, and a body called again for no reason, are found", () => {
  const plantAgain = (evidence: OpenEvidence): void => {
    const [call] = befores(evidence, ({ node }) => node === "offer");
    evidence.marks.push(again(call!, lastLife(evidence)));
  };
  assert.ok(broken(plantAgain).includes("a recorded result is never computed again"));
  const plantBeside = (evidence: OpenEvidence): void => {
    const alive = lastLife(evidence);
    const call = befores(evidence, ({ life, node }) => life === alive && node === "offer")[0]!;
    evidence.marks.splice(evidence.marks.indexOf(call), 0, again(call, alive));
  };
  assert.deepEqual(broken(plantBeside), [
    "a body runs again only if its worker died or was fenced, it timed out, or it threw",
  ]);
});

test("another key or time in a later attempt, and a key of two nodes, are found", () => {
  for (const change of [{ key: "another" }, { now: 1 }]) {
    const found = broken(({ marks }) => {
      const index = marks.findIndex((mark) => mark.kind === "before" && mark.attempt === 2);
      marks[index] = { ...(marks[index] as BeforeMark), ...change };
    });
    assert.deepEqual(found, ["each attempt has the same key and the same now"]);
  }
  const found = broken(({ marks }) => {
    marks.forEach((mark, at) => {
      if (mark.kind === "before" && mark.node === "stock") marks[at] = { ...mark, key: `${mark.run}/price` };
    });
  });
  assert.deepEqual(found, ["two nodes never share a key"]);
});

test("a body called before its input was durable is found", () => {
  const early = broken((evidence) => {
    const alive = lastLife(evidence);
    const bills = Map.groupBy(
      befores(evidence, ({ node }) => node === "bill"),
      ({ run }) => run,
    );
    const [call] = bills.values().find((calls) => calls.length === 1 && calls[0]!.life === alive)!;
    const used = evidence.marks.findIndex((mark) => mark.kind === "effect" && mark.call === call!.uses[0]);
    evidence.marks.splice(evidence.marks.indexOf(call!), 1);
    evidence.marks.splice(used, 0, call!);
  });
  assert.deepEqual(early, ["a successor starts only after its input is durable"]);
  const unrecorded = broken((evidence) => {
    const index = evidence.marks.findIndex((mark) => mark.kind === "before" && mark.node === "note");
    evidence.marks[index] = { ...(evidence.marks[index] as BeforeMark), uses: ["0.0"] };
  });
  assert.deepEqual(unrecorded, ["a successor starts only after its input is durable"]);
});

test("a second result, a second choice, a foreign result and a wrong output are found", () => {
  const journal = (change: (run: OpenRun) => void) => broken(({ runs }) => change(runs[0]!));
  const find = ({ journal }: OpenRun, kind: string, node: string) =>
    journal.find((entry) => entry.kind === kind && "node" in entry && entry.node.startsWith(node))!;
  assert.ok(journal((run) => run.journal.push(find(run, "done", "total"))).includes("a node has one result"));
  assert.deepEqual(
    journal((run) => run.journal.push(find(run, "chose", "match"))),
    ["a match takes one arm, once"],
  );
  const shorter = journal((run) => (run.journal = run.journal.filter((entry) => entry !== find(run, "done", "note"))));
  assert.deepEqual(shorter, [
    "an acknowledged result is never lost",
    "the taken arm only, and all of the rest, has results",
  ]);
  const moved = journal((run) =>
    run.journal.push({ ...find(run, "done", "price"), node: "match-tier/other" } as never),
  );
  assert.deepEqual(moved, [
    "a result comes from the body that was called for it",
    "the taken arm only, and all of the rest, has results",
  ]);
  const swapped = journal((run) => {
    const output = JSON.parse(run.output!) as { parcels: unknown[] };
    run.output = JSON.stringify({ ...output, parcels: output.parcels.toReversed() });
  });
  assert.deepEqual(swapped, ["outputs are right, those of an each in order"]);
});

test("a takeover of the living, a lost lease or run, a complaint and a broken file are found", () => {
  const marked = (mark: (evidence: OpenEvidence) => Mark) => broken((evidence) => evidence.marks.push(mark(evidence)));
  const ownerOf = ({ marks }: OpenEvidence, of: number) =>
    marks.flatMap((mark) => (mark.kind === "joined" && mark.life === of ? [mark.owner] : []))[0]!;
  const took = marked((evidence) => {
    const life = lastLife(evidence);
    return { life, kind: "took", owner: ownerOf(evidence, life - 1) };
  });
  assert.deepEqual(took, ["only the dead are taken over, once"]);
  const joined = marked((evidence) => ({ life: lastLife(evidence), kind: "joined", owner: "another" }));
  assert.deepEqual(joined, ["nobody who lives loses a lease"]);
  const alive = (evidence: OpenEvidence) => ({ life: lastLife(evidence) });
  const nothing = { owner: "a", commit: 1, calls: [], finished: [], laidDown: [] };
  const lost = marked((evidence) => ({ ...alive(evidence), kind: "committed", ...nothing, lost: ["a"] }));
  assert.deepEqual(lost, ["nobody who lives loses a run"]);
  const complaint = marked((evidence) => ({ ...alive(evidence), kind: "log", level: "error", message: "full" }));
  assert.deepEqual(complaint, ["no worker complains"]);
  assert.deepEqual(
    broken((evidence) => (evidence.stopped = "Life 3 was not killed.")),
    ["everything comes to its end"],
  );
  assert.deepEqual(
    broken((evidence) => (evidence.integrity = "row 7 missing from index")),
    ["the file is whole"],
  );
});

test("in a fleet, a write under a lease that was taken over, and a second takeover of it, are found", () => {
  const inFleet = (...marks: Mark[]) =>
    broken((evidence) => {
      Object.assign(evidence, { isFleet: true });
      evidence.marks.push(...marks);
    });
  // One that the small play does not have, so that none of its commits has an answer there.
  const life = 1001;
  const took: Mark = { life: 0, kind: "took", owner: "frozen" };
  const sent: Mark = { life, kind: "commits", owner: "frozen", commit: 2 };
  const nothing = { owner: "frozen", commit: 2, calls: [], finished: [], laidDown: [], lost: [] };
  const written: Mark = { life, kind: "committed", ...nothing, finished: ["r"] };
  assert.deepEqual(inFleet(took, sent, written), ["who was taken over writes nothing"]);
  assert.deepEqual(inFleet(took, sent, { life, kind: "committed", ...nothing }), []);
  assert.deepEqual(inFleet(sent, took, written), []);
  // Two may be on their way at once: the answer is that of the first.
  assert.deepEqual(inFleet(sent, took, { ...sent, commit: 3 }, written), []);
  assert.deepEqual(inFleet(took, took), ["a lease is taken over once"]);
  const lost: Mark = { life, kind: "committed", ...nothing, lost: ["r"] };
  assert.deepEqual(inFleet(sent, lost), ["nobody who lives loses a run"]);
  assert.deepEqual(inFleet({ ...sent, commit: 1 }, sent, lost), []);
});

test("in a fleet, a body that is called again while nobody takes over from its worker is found", () => {
  const isFound = (between: (owner: string) => readonly Mark[]): boolean => {
    const evidence = { ...structuredClone(kept.evidence!), isFleet: true } as OpenEvidence;
    const { marks } = evidence;
    const alive = lastLife(evidence);
    const call = befores(evidence, ({ life, node }) => life === alive && node === "offer")[0]!;
    const { owner } = marks.find((mark) => mark.kind === "joined" && mark.life === alive) as { owner: string } & Mark;
    const repeated = again(call, alive + 1) as BeforeMark;
    marks.splice(marks.indexOf(call) + 1, 0, ...between(owner), repeated);
    return audit(evidence).some(({ promise, facts }) => {
      const { call: found } = JSON.parse(facts) as { call?: { call?: string } };
      return promise.startsWith("a body runs again only if") && found?.call === repeated.call;
    });
  };
  assert.equal(
    isFound(() => []),
    true,
  );
  const takes = (owner: string): Mark => ({ life: 0, kind: "takes", owner });
  assert.equal(
    isFound((owner) => [takes(owner)]),
    false,
  );
  assert.equal(
    isFound((owner) => [takes(owner), { life: 0, kind: "spared", owner }]),
    true,
  );
});

test("a mark that a kill has cut is left out, and the next one is read", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "tenfold-log-"));
  const file = path.join(folder, "effects.log");
  const [one, other] = [new EffectLog(file, 1), new EffectLog(file, 2)];
  one.write({ kind: "opened" });
  appendFileSync(file, '\n{"life":1,"kind":"jo');
  other.write({ kind: "opened" });
  const reader = new LogReader(file);
  assert.deepEqual(reader.read(), [
    { life: 1, kind: "opened" },
    { life: 2, kind: "opened" },
  ]);
  for (const log of [one, other, reader]) log.close();
  rmSync(folder, { recursive: true });
});

test("a kill is told by the last thing that its victim did", () => {
  const call = { call: "0.1", run: "r", node: "price", key: "r/price", attempt: 1, now: 1, uses: [] };
  const claimed: Mark = { life: 0, kind: "claimed", runs: ["r", "s"] };
  const begun: Mark = { life: 0, kind: "before", ...call };
  const made: Mark = { life: 0, kind: "effect", call: "0.1" };
  const sent: Mark = { life: 0, kind: "commits", owner: "a", commit: 1 };
  const output = { value: 1, call: "0.1" };
  const entry = { kind: "done", node: "price", at: 1, attempt: 1, output, tookMs: 0 } as const;
  const run: RunSeen = { id: "r", key: null, status: "running", output: null, error: null, journal: [entry] };
  const phase = (marks: Mark[], runs: RunSeen[] = []) => {
    const killed: Mark = { life: 0, kind: "killed", rest: [] };
    const [death] = deathsOf({
      marks: [...marks, killed],
      runs,
      tallies: [],
      integrity: "ok",
      stopped: null,
      isFleet: false,
    });
    return `${death!.phase}, ${death!.inFlight} in flight`;
  };
  assert.equal(phase([]), "joining, 0 in flight");
  assert.equal(phase([claimed]), "claim to start, 2 in flight");
  assert.equal(phase([claimed, begun]), "before effect, 2 in flight");
  assert.equal(phase([claimed, begun, made]), "effect to commit, 2 in flight");
  assert.equal(phase([claimed, begun, made, sent]), "effect to commit, 2 in flight");
  assert.equal(phase([claimed, begun, made, sent], [run]), "commit to answer, 2 in flight");
});
