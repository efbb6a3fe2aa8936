/**
 * Child: what every peer is asked in the same way. As many runs as take some seconds are started and worked off in
 * this process, and count only once the peer's own tables say that all of them ended; then one at a time while idle.
 */
import { answer, asked, peakMemoryMiB, quantile } from "../child.ts";

/** Five steps in a row, each on the last one's result (a queue: five jobs, each adds the next); or one step, one job. */
export type Shape = "five" | "one";

export interface Peer {
  /** What it was tuned with, as it is told beside its figures. */
  readonly settings: string;
  /** Whether runs can be started while nobody works; where not, `start` comes back when they have ended. */
  readonly startsApart: boolean;
  start(shape: Shape, runs: number): Promise<void>;
  work(shape: Shape): Promise<void>;
  rest(): Promise<void>;
  /** Runs of this shape that have ended, by its tables. */
  ended(shape: Shape): Promise<number>;
  /** One run of one step, from its start to its end as this process learns of it. */
  one(): Promise<void>;
  close(): Promise<void>;
}

/** What a peer is made with: where its tables are, and whom its bodies tell when a run's last one is done. */
export interface Ground {
  readonly url: string;
  readonly done: () => void;
}

export interface Raced {
  readonly settings: string;
  readonly startsApart: boolean;
  readonly runs: number;
  readonly startMs: number;
  readonly workMs: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly peakMiB: number;
}

export interface RaceOptions {
  readonly url: string;
  readonly shape: Shape;
  /** How long the measured runs are to take, about. */
  readonly seconds: number;
  /** How long single runs are measured; 0: not at all. */
  readonly latencySeconds: number;
}

/** More than this waits in no race: some peers keep what is started in memory. */
const RUNS_MAX = 100_000;
const STALLED_MS = 30_000;

export async function race(peerOn: (ground: Ground) => Promise<Peer>): Promise<void> {
  const { url, shape, seconds, latencySeconds } = asked<RaceOptions>();
  let bodies = 0;
  const peer = await peerOn({ url, done: () => bodies++ });
  let total = 0;

  const worked = async (runs: number) => {
    total += runs;
    const startedAt = performance.now();
    await peer.start(shape, runs);
    const workedAt = performance.now();
    await peer.work(shape);
    await until(() => bodies, total, 5);
    await until(() => peer.ended(shape), total, 20);
    const endedAt = performance.now();
    await peer.rest();
    return { runs, startMs: workedAt - startedAt, workMs: endedAt - workedAt };
  };

  let measured = await worked(100);
  for (const part of [0.1, 1]) {
    const perSecond = (measured.runs * 1000) / (measured.startMs + measured.workMs);
    measured = await worked(Math.min(RUNS_MAX, Math.max(100, Math.round(perSecond * seconds * part))));
  }
  const tookMs: number[] = [];
  if (latencySeconds > 0) {
    await peer.work("one");
    const until = performance.now() + latencySeconds * 1000;
    while (performance.now() < until && tookMs.length < 1000) {
      const startedAt = performance.now();
      await peer.one();
      tookMs.push(performance.now() - startedAt);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await peer.rest();
  }
  const warm = tookMs.slice(Math.floor(tookMs.length / 5));
  const { settings, startsApart } = peer;
  const latency =
    warm.length === 0 ? { p50: null, p99: null } : { p50: quantile(warm, 0.5), p99: quantile(warm, 0.99) };
  const raced: Raced = { settings, startsApart, ...measured, ...latency, peakMiB: peakMemoryMiB() };
  await peer.close();
  answer(raced);
}

/** Waits until `count` is `wanted`; more is an error of the measurement, and so is a count that stands still. */
async function until(count: () => number | Promise<number>, wanted: number, everyMs: number): Promise<void> {
  let last = -1;
  let changedAt = performance.now();
  for (;;) {
    const now = await count();
    if (now === wanted) return;
    if (now > wanted) throw new Error(`${now} runs ended, and only ${wanted} were started`);
    if (now !== last) changedAt = performance.now();
    else if (performance.now() - changedAt > STALLED_MS) throw new Error(`${now} of ${wanted} runs ended, then none`);
    last = now;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Calls `act` for 0 to `count` - 1, `width` of them at a time. */
export async function together(count: number, width: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

/** Calls `act` for consecutive parts of 0 to `count` - 1. */
export async function inBatches<T>(
  count: number,
  size: number,
  make: (index: number) => T,
  act: (batch: T[]) => Promise<unknown>,
): Promise<void> {
  for (let first = 0; first < count; first += size) {
    await act(Array.from({ length: Math.min(size, count - first) }, (_, index) => make(first + index)));
  }
}

export interface Order {
  readonly email: string;
  readonly company: string;
  readonly size: number;
}

/** As long as a small business record; the same as the engine's own bench starts. */
export function order(index: number): Order {
  return { email: `kim-${index}@example.com`, company: "Example GmbH", size: index % 500 };
}
