/** A store whose verbs leave marks in the effect log on both sides of the real one, and may be the last thing it does. */
import { FINISHED, type CommitAnswer, type RunCommit, type Store } from "../../packages/tenfold/src/store/store.ts";
import type { EffectLog } from "./effect-log.ts";
import type { FatalMoment } from "./fatal-moment.ts";

export function markedStore(store: Store, log: EffectLog, fatal: FatalMoment): Store {
  let commits = 0;
  const marked: Partial<Store> = {
    async join(lease, holder) {
      await store.join(lease, holder);
      log.write({ kind: "joined", owner: lease.owner });
      fatal.pass("joined");
    },
    async takeOver(lane, owner, beat, now, leaves) {
      if (!leaves) log.write({ kind: "takes", owner });
      const isDead = await store.takeOver(lane, owner, beat, now, leaves);
      if (leaves) return isDead;
      if (isDead) fatal.pass("taken-over");
      log.write({ kind: isDead ? "took" : "spared", owner });
      return isDead;
    },
    async start(lane, starts, now, lease) {
      const answers = await store.start(lane, starts, now, lease);
      fatal.pass("start-to-answer");
      const started = starts.filter((_, index) => answers[index]!.kind === "started");
      log.write({ kind: "started", owned: lease === null ? [] : started.map(({ id }) => id) });
      return answers;
    },
    async claim(lease, workflows, now, runsMax, bytesMax) {
      const claimed = await store.claim(lease, workflows, now, runsMax, bytesMax);
      if (claimed.length === 0) return claimed;
      log.write({ kind: "claimed", runs: claimed.map(({ id }) => id) });
      fatal.pass("claim-to-start");
      return claimed;
    },
    async commit(lease, batch, now) {
      const calls = batch.flatMap(callsOf);
      const { owner } = lease;
      const number = ++commits;
      log.write({ kind: "commits", owner, commit: number });
      if (calls.length > 0) fatal.pass("effect-to-commit");
      const answers = await store.commit(lease, batch, now);
      if (calls.length > 0) fatal.pass("commit-to-answer");
      const answered = (answer: CommitAnswer) => batch.filter((_, index) => answers[index] === answer);
      const written = answered("written");
      const left = written.filter(({ then }) => then.kind !== "keep");
      log.write({
        kind: "committed",
        owner,
        commit: number,
        calls: written.flatMap(callsOf),
        finished: left.filter(isFinished).map(({ run }) => run),
        laidDown: left.filter((commit) => !isFinished(commit)).map(({ run }) => run),
        lost: answered("lost").map(({ run }) => run),
      });
      return answers;
    },
  };
  return new Proxy(store, {
    get(target, name) {
      const verb = marked[name as keyof Store] ?? target[name as keyof Store];
      return typeof verb === "function" ? verb.bind(target) : verb;
    },
  });
}

function isFinished({ then }: RunCommit): boolean {
  return then.kind === "end" && FINISHED.has(then.status);
}

/** The calls whose results a commit has. */
function callsOf({ lines }: RunCommit): string[] {
  return lines.flatMap(({ kind, data }) => {
    const call = kind === "done" ? /"call":"([^"]+)"/.exec(data)?.[1] : undefined;
    return call === undefined ? [] : [call];
  });
}
