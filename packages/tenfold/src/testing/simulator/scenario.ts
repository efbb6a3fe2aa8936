/** What a seed stands for: its workflows, its faults, how its engines are set; drawn before anything happens. */
import { DEFAULT_SETTINGS, type EngineSettings } from "../../engine/engine.ts";
import type { WorkflowDefinition } from "../../flow/definition.ts";
import type { ScheduleDefinition } from "../../flow/trigger.ts";
import { seededRandom, type Random } from "../../value/random.ts";
import { eventsOf } from "./emitted.ts";
import { ATTEMPTS, SPARE_ATTEMPTS } from "./fates.ts";
import type { Faults } from "./faulty-store.ts";
import { drawsOf, queuesOf } from "./queued.ts";
import { randomWorkflow, type RandomWorkflowOptions } from "./random-workflow.ts";
import { scheduleOf } from "./scheduled.ts";

export interface Scenario {
  readonly random: Random;
  readonly lanes: number;
  readonly workflows: readonly WorkflowDefinition[];
  /** The same workflows as they are deployed later, one process after the other; null: nothing is. */
  readonly deployed: readonly WorkflowDefinition[] | null;
  /** The trigger of the second workflow; null: nothing starts by itself. */
  readonly schedule: ScheduleDefinition | null;
  /** Some of the workflows are started by events. */
  readonly hasEvents: boolean;
  /** The timeout of every step; null: none, so no body may hang. */
  readonly timeoutMs: number | null;
  readonly faults: Faults;
  readonly settings: EngineSettings;
  /** Processes serve some pools of steps, and not others. */
  readonly hasPools: boolean;
  /** The processes stand on one machine, and see at once when another is gone. */
  readonly isOneMachine: boolean;
}

export function drawScenario(seed: number): Scenario {
  const random = seededRandom(seed);
  const lanes = random() < 0.5 ? 2 : 1;
  const timeoutMs = random() < 0.3 ? 3000 : null;
  const schedule = scheduleOf(seed);
  const events = eventsOf(seed);
  const queues = queuesOf(seed);
  const workflows: WorkflowDefinition[] = [];
  const options: RandomWorkflowOptions[] = [];
  const tapes: Tape[] = [];
  for (const [index, nodesMax] of [3, 12, 12].entries()) {
    const ticks = index === 1 && schedule !== null ? [schedule] : [];
    const event = events?.get(index);
    const triggers = event === undefined ? ticks : [...ticks, event];
    const child = workflows.at(-1);
    const tape = taped(random);
    tapes.push(tape);
    const drawn = {
      name: `workflow-${index}`,
      random: tape.random,
      nodesMax,
      attempts: ATTEMPTS + SPARE_ATTEMPTS,
      timeoutMs,
      triggers,
      undo: seed % 2 === 0,
      ...(queues === null ? {} : { queues: queues.options, ...drawsOf(queues) }),
    };
    options.push(drawn);
    workflows.push(randomWorkflow(child === undefined ? drawn : { ...drawn, child }));
  }
  const harsh = random() < 0.8 ? 1 : 0;
  const faults: Faults = {
    lostRequest: harsh * 0.02 * random(),
    lostAnswer: harsh * 0.03 * random(),
    crashBefore: harsh * 0.004 * random(),
    crashAfter: harsh * 0.006 * random(),
    slow: harsh * 0.05 * random(),
    slowMs: 8000 * random(),
    full: harsh * 0.02 * random(),
    lostNotice: random(),
    delivery: random(),
  };
  const settings: EngineSettings = {
    ...DEFAULT_SETTINGS,
    slots: 1 + Math.floor(random() * 20),
    runsMax: 2 + Math.floor(random() * 20),
    leaseMs: 5000,
    beatMs: 1000,
    pollMs: 500,
    reconcileMs: 3000,
    drainMs: 2000,
    limits: {
      ...DEFAULT_SETTINGS.limits,
      parkAfterMs: Math.floor(random() * 4000),
      linedUpMax: queues?.linedUpMax ?? DEFAULT_SETTINGS.limits.linedUpMax,
      runsPerCommit: [Infinity, 1, 2, 5][Math.floor(random() * 4)]!,
    },
  };
  const hasEvents = events !== null;
  const deployed = drawDeployed(seed, options, tapes);
  return {
    random,
    lanes,
    workflows,
    deployed,
    schedule,
    hasEvents,
    timeoutMs,
    faults,
    settings,
    // A process that serves a pool alone subscribes to nothing, and may be the first.
    hasPools: queues?.hasPools === true && !hasEvents,
    isOneMachine: random() < 0.5,
  };
}

/** Chance, and what it came to. */
interface Tape {
  readonly random: Random;
  readonly drawn: readonly number[];
}

function taped(random: Random): Tape {
  const drawn: number[] = [];
  const draw = (): number => {
    const next = random();
    drawn.push(next);
    return next;
  };
  return { random: draw, drawn };
}

/** The workflows drawn once more by the same chance, with what is new in them, such as undos; chance of its own says whether. */
function drawDeployed(
  seed: number,
  options: readonly RandomWorkflowOptions[],
  tapes: readonly Tape[],
): readonly WorkflowDefinition[] | null {
  const chance = seededRandom(`deploy ${seed}`);
  if (chance() < 0.6) return null;
  const deployed: WorkflowDefinition[] = [];
  for (const [index, drawn] of options.entries()) {
    const left = [...tapes[index]!.drawn];
    const random = (): number => left.shift() ?? chance();
    const child = deployed.at(-1);
    const later = { renames: chance() < 0.3 };
    const undo = drawn.undo === true || chance() < 0.3;
    deployed.push(randomWorkflow({ ...drawn, random, later, undo, ...(child === undefined ? {} : { child }) }));
  }
  return deployed;
}
