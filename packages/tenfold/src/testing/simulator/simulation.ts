/**
 * One seed, one simulation: processes that work, crash, freeze and come back over one store, in virtual time.
 * Two phases: first safety, under faults; then the faults end, and everything must come to its end.
 */
import { FINISHED, type Store } from "../../store/store.ts";
import { Auditor } from "./auditor.ts";
import { EmittedEvents } from "./emitted.ts";
import { isDormant } from "./family.ts";
import { expectedOf } from "./fates.ts";
import { OpenBook } from "./open-book.ts";
import { QueuedBodies } from "./queued.ts";
import { checkTicks, isSettled } from "./scheduled.ts";
import { turnedAway } from "./turned-away.ts";
import { SimulatedWorkers } from "./workers.ts";
import type { World } from "./world.ts";
import { drawScenario } from "./scenario.ts";
import { LATE_STARTS_MS, Users } from "./users.ts";
import { Violation } from "./violation.ts";
import { VirtualTime } from "../virtual-time.ts";

export interface SimulationResult {
  readonly seed: number;
  readonly runs: number;
  readonly bodies: number;
  readonly crashes: number;
  readonly virtualMs: number;
  /** Null: every promise held. */
  readonly violation: Violation | null;
}

const STARTED_AT = 1_750_000_000_000;
const FAULTS_MS = 60_000;
const CALM_MS = 30 * 60_000;
const ROWS_EVERY_MS = 250;

/** Opens the store that is tried, with as many lanes. */
export type OpenTried = (lanes: number) => Promise<Store>;

/**
 * Runs the simulation of `seed`: the same seed, the same events. The workers work on the memory store, and on the one that
 * `open` answers beside it, verb by verb.
 */
export async function simulate(seed: number, open?: OpenTried): Promise<SimulationResult> {
  let violation: Violation | null = null;
  const note = (thrown: unknown) => (violation ??= asViolation(thrown));
  const scenario = drawScenario(seed);
  const tried = (await open?.(scenario.lanes)) ?? null;
  const book = new OpenBook(scenario.lanes, tried, note);
  const time = new VirtualTime(STARTED_AT, () => book.underWay);
  const known = [...scenario.workflows, ...(scenario.deployed ?? [])];
  const auditor = new Auditor(book, known, (row, childOf) =>
    expectedOf(known, row, childOf, new Set(turnedAway(book, row.id).keys())),
  );
  const emitted = new EmittedEvents(scenario.workflows.map(({ name }) => name));
  const queued = new QueuedBodies(scenario.lanes);
  const world: World = { scenario, time, book, auditor, emitted, queued, note };
  const processes = new SimulatedWorkers(world, 1 + Math.floor(scenario.random() * 3));
  book.whenLeaseEnds((process, lane) => processes.leaseEnded(process, lane));
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  try {
    await live(world, processes, () => violation !== null);
    if (violation === null) auditor.checkEnd();
    if (violation === null) checkSchedule(world);
    if (violation === null) emitted.check(auditor.rows);
    if (violation === null) queued.check(book);
  } catch (thrown) {
    note(thrown);
  } finally {
    process.off("unhandledRejection", note);
    process.off("uncaughtException", note);
    await tried?.close();
  }
  const { accepted, bodies } = auditor;
  const virtualMs = time.now - STARTED_AT;
  return { seed, runs: accepted.size, bodies, crashes: processes.crashes, virtualMs, violation };
}

async function live(world: World, processes: SimulatedWorkers, isBroken: () => boolean): Promise<void> {
  const { time, book } = world;
  const users = new Users(world, processes);
  plan(world, processes, users);
  watchRows(world);
  await time.pass(STARTED_AT + FAULTS_MS, isBroken);
  processes.calm();
  users.retryHeld();
  const haveEnded = () => book.records().every((row) => FINISHED.has(row.status) || isDormant(row));
  const isDone = () => isBroken() || (haveEnded() && hasNoTickDue(world) && book.deliveriesWaiting === 0);
  await time.pass(time.now + CALM_MS, isDone);
  await time.pass(time.now + LATE_STARTS_MS, isBroken);
  await time.pass(time.now + CALM_MS, isDone);
}

function hasNoTickDue({ scenario, book, time }: World): boolean {
  const { schedule, workflows } = scenario;
  return schedule === null || isSettled(schedule, book.standingOf(workflows[1]!.name, schedule.name), time.now);
}

function checkSchedule({ scenario, book, auditor, time }: World): void {
  const { schedule, workflows } = scenario;
  if (schedule === null) return;
  const standing = book.standingOf(workflows[1]!.name, schedule.name);
  checkTicks(schedule, standing, auditor.rows, time.now);
}

/** What users and fate do during the first phase. */
function plan({ scenario, time, note }: World, processes: SimulatedWorkers, users: Users): void {
  const below = (limit: number) => Math.floor(scenario.random() * limit);
  const often = (times: number, act: () => void) => {
    for (let left = times; left > 0; left--) time.at(STARTED_AT + below(FAULTS_MS * 0.8), act);
  };
  often(1 + below(25), () => void users.start());
  often(below(6), () => users.bother());
  often(below(5), () => processes.strike());
  often(below(6), () => void users.prune().catch(note));
  if (scenario.hasEvents) often(1 + below(20), () => void users.emit().catch(note));
  users.signal();
  if (scenario.deployed !== null) {
    time.at(STARTED_AT + FAULTS_MS * 0.2, () => processes.deploy(FAULTS_MS * 0.6));
    for (let at = 0.2; at < 0.95; at += 0.01) time.at(STARTED_AT + FAULTS_MS * at, () => void users.upgrade());
  }
  if (scenario.random() < 0.3) users.pester(STARTED_AT + FAULTS_MS);
}

/** The store's rows keep their own laws at every moment. */
function watchRows(world: World): void {
  const { time, auditor, note } = world;
  time.at(time.now + ROWS_EVERY_MS, () => {
    try {
      auditor.checkRows(time.now);
    } catch (thrown) {
      note(thrown);
    }
    watchRows(world);
  });
}

function asViolation(thrown: unknown): Violation {
  if (thrown instanceof Violation) return thrown;
  return new Violation("nothing crashes", { thrown: String(thrown), stack: (thrown as Error | undefined)?.stack });
}
