/**
 * Moves runs to another graph: their whole journal is read on it, and they go on from what that comes to.
 * Invariants: a run is on the new graph from the commit on that writes its `upgraded` line; the move takes in every line
 * that was recorded before it, durable or not; a body that is executing goes on if its node is open in the new graph, else
 * the move is refused; while it waits for the journal its run is neither parked nor ended.
 */
import type { Command } from "../core/command.ts";
import type { Misfit } from "../core/entry.ts";
import { readLine, type JournalLine } from "../core/journal-line.ts";
import { placeAt } from "../core/path.ts";
import { openWork } from "../core/reduce.ts";
import { natureOf, replayOn } from "../core/replay-on.ts";
import { RETRYING, type RunState } from "../core/state.ts";
import { decodedClaim } from "../store/codec/decoded.ts";
import { LeaseLost, type ClaimedRun, type Lease, type Message, type Store } from "../store/store.ts";
import { isClosed, isPassing } from "./passing.ts";
import type { LiveRun } from "./live-run.ts";
import { waitFor, type Ports } from "./ports.ts";
import type { Recorder } from "./recorder.ts";
import { isCorrupt } from "./stored-graph.ts";
import { isUpgrade, type Upgrading, type UpgradeMessage } from "./upgrade-message.ts";
import type { Plan, Registry } from "./registry.ts";

/** What moves ask of the driver. */
export interface UpgradesHost {
  readonly ports: Ports;
  readonly store: Store;
  readonly registry: Registry;
  readonly lease: Lease;
  /** Something of the run is to be written. */
  changed(run: LiveRun): void;
}

const RETRY_MS = 20;

export class Upgrades {
  readonly #host: UpgradesHost;
  readonly #recorder: Recorder;

  constructor(host: UpgradesHost, recorder: Recorder) {
    this.#host = host;
    this.#recorder = recorder;
  }

  /** Moves a run of which nothing is under way; `journal` is all of it. True if it goes on with the new graph. */
  takeIn(run: LiveRun, { key, body }: UpgradeMessage, journal: readonly JournalLine[]): boolean {
    if (!run.absorb(key)) return false;
    const from = run.plan.hash;
    if (run.state.absorbed?.has(key) === true || body.graph === from) return false;
    const entry = { message: key, from, to: body.graph };
    const plan = this.#host.registry.known(body.graph);
    if (plan === undefined || plan.definition !== run.plan.definition) {
      const reason = `its store has no graph ${body.graph} of workflow ${run.context.workflow}, or not as it was written`;
      this.#recorder.upgraded(run, { ...entry, refused: { entry: null, node: "", reason } });
      return false;
    }
    const moved = stateOn(plan, run, journal);
    if ("reason" in moved) this.#recorder.upgraded(run, { ...entry, refused: moved });
    else {
      run.goesOnWith(plan, moved);
      this.#recorder.upgraded(run, entry);
    }
    return !("reason" in moved);
  }

  /** Moves a run that is at work, once its journal is read. */
  ask(run: LiveRun, message: UpgradeMessage): void {
    if (run.absorbed.includes(message.key)) return;
    run.upgrading ??= { messages: [], since: null, before: null };
    const { messages } = run.upgrading;
    if (messages.some(({ key }) => key === message.key)) return;
    messages.push(message);
    if (!run.isCommitting) this.answered(run);
  }

  /** Nothing of the run is being written: true if it goes on with another graph now. */
  answered(run: LiveRun): boolean {
    const { upgrading } = run;
    if (upgrading === null) return false;
    if (upgrading.since === null) void this.#read(run, upgrading);
    return upgrading.before !== null && this.#move(run, upgrading, upgrading.before);
  }

  /** What is durable now is read; what comes then is kept. */
  async #read(run: LiveRun, upgrading: Upgrading): Promise<void> {
    const { ports } = this.#host;
    upgrading.since = [...run.lines];
    const length = run.journalLength;
    const isOver = (): boolean => run.isGone || run.upgrading !== upgrading;
    while (upgrading.before === null) {
      const loaded = await this.#load(run, upgrading).catch(ifPassing);
      if (isOver()) return;
      if (loaded?.unread !== undefined) return this.#refuse(run, upgrading, loaded.unread.message);
      if (loaded !== undefined) upgrading.before = loaded.journal.slice(0, length);
      else await waitFor(ports.clock, RETRY_MS);
      if (isOver()) return;
    }
    if (!run.isCommitting) this.answered(run);
  }

  async #load(run: LiveRun, { messages }: Upgrading): Promise<ClaimedRun | undefined> {
    const { store, registry, lease } = this.#host;
    await fetchTargets({ registry, store }, lease.lane, run.context.workflow, messages);
    const [loaded] = await store.load(lease, [run.id]);
    return loaded && decodedClaim(null, loaded);
  }

  #refuse(run: LiveRun, { messages }: Upgrading, reason: string): void {
    run.upgrading = null;
    for (const { key, body } of messages) {
      const refused = { entry: null, node: "", reason };
      run.absorb(key);
      this.#recorder.upgraded(run, { message: key, from: run.plan.hash, to: body.graph, refused });
    }
    this.#host.changed(run);
  }

  #move(run: LiveRun, upgrading: Upgrading, before: readonly JournalLine[]): boolean {
    let goesOn = false;
    for (const message of upgrading.messages)
      goesOn = this.takeIn(run, message, [...before, ...upgrading.since!]) || goesOn;
    run.upgrading = null;
    if (goesOn) {
      const commands: Command[] = [];
      openWork(run.state, commands);
      this.#recorder.obey(run, commands);
    }
    this.#host.changed(run);
    return goesOn;
  }
}

/** Whoever commits for the run sees what is wrong with its store, or its lease. */
function ifPassing(thrown: unknown): undefined {
  if (!isPassing(thrown) && !isClosed(thrown) && !(thrown instanceof LeaseLost)) throw thrown;
}

/** Whoever asks for a move to it is refused. */
function ifCorrupt(thrown: unknown): undefined {
  if (!isCorrupt(thrown)) throw thrown;
}

/** Makes the graphs that messages name known, as far as the store has them. */
export async function fetchTargets(
  { registry, store }: { readonly registry: Registry; readonly store: Store },
  lane: number,
  workflow: string,
  messages: readonly Message[],
): Promise<void> {
  for (const message of messages) {
    if (!isUpgrade(message) || registry.known(message.body.graph) !== undefined) continue;
    await registry.fetch(store, lane, workflow, message.body.graph).catch(ifCorrupt);
  }
}

/** The state of a run on another graph, or why it cannot be on that. */
function stateOn(plan: Plan, run: LiveRun, journal: readonly JournalLine[]): RunState | Misfit {
  const { startedAt, root } = run.state;
  const begun = { run: run.id, input: root.outputs[0] ?? null, startedAt };
  const graphs = { from: run.plan.compiled, to: plan.compiled };
  try {
    const result = replayOn(graphs, begun, journal.map(readLine));
    return result.kind === "misfit" ? result.misfit : (strayBody(run, result.state) ?? result.state);
  } catch (thrown) {
    // It goes against the rules, in the store or on that graph: what the run is in memory is as good as before.
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return { entry: null, node: "", reason: `its journal cannot be read on that graph: ${reason}` };
  }
}

/** A body that is executing, and would not be in this state. */
function strayBody(run: LiveRun, state: RunState): Misfit | undefined {
  for (const [path, { isRunning, place }] of run.attempts) {
    if (!isRunning) continue;
    const is = placeAt(state, path);
    const waits = is?.frame.waits[is.node.local];
    const isOpen = waits === 0 || waits === RETRYING;
    if (is !== undefined && isOpen && natureOf(is.node) === natureOf(place.node)) continue;
    return { entry: null, node: path, reason: "its body is executing, and in the new graph it would not be" };
  }
  return undefined;
}
