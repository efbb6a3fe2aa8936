/**
 * Random workflows, drawn with the real flow floor, whose steps answer a function of their input alone: so what a
 * run must come to is known without running it.
 */
import {
  after,
  approval,
  attempt,
  call,
  derive,
  each,
  eq,
  gte,
  match,
  oneOf,
  present,
  repeat,
  script,
  sleep,
  sleepUntil,
  step,
  waitFor,
  when,
  workflow,
  all,
  not,
} from "../../flow/index.ts";
import type { WorkflowDefinition } from "../../flow/definition.ts";
import type { Trigger } from "../../flow/trigger.ts";
import type { Json } from "../../value/json.ts";
import type { Random } from "../../value/random.ts";
import type { ScriptContext } from "../../flow/script-context.ts";
import { answerOf, TAGS, type Answer } from "./answer.ts";
import { STEPS } from "./interpreter.ts";
import { programOf, runProgram } from "./random-script.ts";

export interface RandomWorkflowOptions {
  readonly name: string;
  readonly random: Random;
  readonly nodesMax: number;
  readonly attempts: number;
  readonly timeoutMs: number | null;
  /** Half of its steps can be undone. */
  readonly undo?: boolean;
  /** The `queue` of each of its steps that has one. */
  readonly queues?: ReadonlyMap<string, object>;
  /** False: none of its nodes is a script. */
  readonly hasScripts?: boolean;
  /** False: none of its approvals shows its request. */
  readonly hasShows?: boolean;
  /** What some of its nodes call. */
  readonly child?: WorkflowDefinition;
  readonly triggers?: readonly Trigger[];
  /** Drawn as it is some time later: with nodes that come last, and perhaps another name for its first step. */
  readonly later?: { readonly renames: boolean };
}

/** The types of the drawing are the flow's own business; here values are drawn blindly. */
type Drawn = any;

/** Draws a workflow of up to `nodesMax` nodes. */
export function randomWorkflow(options: RandomWorkflowOptions): WorkflowDefinition {
  const { random, name } = options;
  const first = random() < 0.5 ? "200ms" : "6s";
  const steps = STEPS.map((stepName, index) =>
    step(stepName, {
      retry: { attempts: options.attempts, first, max: "20s" },
      // What may have happened of it is asked.
      ...(stepName === "west" ? { once: true } : {}),
      // It writes where the store is.
      ...(stepName === "east" ? { tx: "postgres" as const } : {}),
      ...(options.queues?.has(stepName) === true ? { queue: options.queues.get(stepName)! } : {}),
      ...(options.timeoutMs === null ? {} : { timeout: options.timeoutMs }),
      run: (input: any): any => answerOf(stepName, input as Json),
      ...(options.undo === true && index < 2 ? { undo: () => {} } : {}),
    }),
  );
  let left = 1 + Math.floor(random() * options.nodesMax);
  let serial = 0;
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;

  const condition = (value: Drawn): Drawn => {
    const simple = [
      () => gte(value.n, 50),
      () => eq(value.tag, "a"),
      () => oneOf(value.tag, ["a", "b"]),
      () => present(value.maybe),
      () => all(gte(value.n, 20), not(eq(value.tag, "c"))),
      () => value.flag,
    ];
    return pick(simple)();
  };

  const template = (known: readonly Drawn[]): Drawn => {
    const shapes = [
      () => pick(known),
      () => ({ one: pick(known), two: [pick(known).n, { deep: pick(known).maybe }] }),
      () => ({ sum: gte(pick(known).n, 10), tag: pick(known).tag }),
      () => [pick(known).list, "text", 7],
    ];
    return pick(shapes)();
  };

  const nextName = (): string => {
    const name = `s${serial++}`;
    return name === "s0" && options.later?.renames === true ? "s0-anew" : name;
  };
  const useStep = (known: readonly Drawn[]): Drawn => (pick(steps) as Drawn).as(nextName())(template(known));

  /** Draws some nodes and answers one of them; `known` are the values that are visible. */
  const draw = (known: readonly Drawn[], depth: number): Drawn => {
    const visible = [...known];
    const count = 1 + below(depth === 0 ? left : 3);
    let last: Drawn = useStep(visible);
    visible.push(last);
    left--;
    for (let index = 1; index < count && left > 0; index++) {
      left--;
      last = drawOne(visible, depth);
      visible.push(last);
    }
    return random() < 0.7 ? last : { last, first: pick(visible).n };
  };

  const drawOne = (visible: Drawn[], depth: number): Drawn => {
    const value = pick(visible);
    const id = `x${serial++}`;
    const chance = random();
    if (depth >= 3 || chance < (options.hasScripts === false ? 0.45 : 0.42)) return useStep(visible);
    if (chance < 0.45) return useStepOn(visible, drawScript(id, value));
    if (chance < 0.55) return (derive as Drawn).as(id)(value, (seen: Answer) => answerOf("derive", seen as never));
    if (chance < 0.65) {
      const first = random() < 0.5 ? value : after(value, () => drawSleep(id, value));
      return (after as Drawn)(first, () => useStep(visible));
    }
    if (options.child !== undefined && chance < 0.72 && random() < 0.7) return drawCall(id, options.child, visible);
    if (chance < 0.7) return drawWait(id, visible, depth);
    if (chance < 0.78) {
      const arms: Record<string, () => Drawn> = {};
      for (const tag of TAGS) arms[tag] = () => useStepAfter(visible, depth);
      const result = (match as Drawn).as(id)(value.tag, arms);
      return useStepOn(visible, result);
    }
    if (chance < 0.88) {
      const otherwise = random() < 0.5 ? [() => draw(visible, depth + 1)] : [];
      const result = (when as Drawn).as(id)(condition(value), () => draw(visible, depth + 1), ...otherwise);
      return useStepOn(visible, result);
    }
    if (chance < 0.9) return useStepOn(visible, drawApproval(id, visible));
    if (chance < 0.925) {
      const body = () => draw(visible, depth + 1);
      return useStepOn(
        visible,
        (attempt as Drawn).as(id)(body, (error: Drawn) => useStepOn(visible, present(error.code))),
      );
    }
    if (chance < 0.95) {
      const round = (state: Drawn) =>
        useStepOn(visible, random() < 0.5 ? state : { state, more: draw(visible, depth + 1) });
      const until = (state: Drawn) => gte(state.n, 60);
      return useStepOn(visible, (repeat as Drawn).as(id)(value, round, { until, max: 1 + below(4), onMax: "last" }));
    }
    const concurrency = random() < 0.5 ? { concurrency: 1 + below(2) } : {};
    if (random() < 0.4) return drawEnough(id, visible, value.list, concurrency);
    const failAbove = random() < 0.3 ? { failAbove: below(2) } : {};
    const onError = random() < 0.5 ? { onError: "collect", ...failAbove } : {};
    const list = (each as Drawn).as(id)(value.list, (item: Drawn) => useStepOn([...visible], item), {
      ...concurrency,
      ...onError,
    });
    return useStepOn(visible, list);
  };

  /** Which items are heard is a matter of time, so only that enough were is used. */
  const drawEnough = (id: string, visible: readonly Drawn[], list: Drawn, concurrency: object): Drawn => {
    const items = (each as Drawn).as(`${id}-list`)([7, list, list], (item: Drawn) => useStepOn(visible, present(item)));
    const naps = random() < 0.5;
    const draws = (item: Drawn) => [useStepOn(visible, item), naps ? drawSleep(`${id}-nap`, item) : 1];
    const options = { ...concurrency, onError: "collect", enough: 1 + below(2), rest: pick(["finish", "stop"]) };
    const heard = (each as Drawn).as(id)(items, draws, options);
    return useStepOn(visible, present(heard));
  };
  /** A second, half a minute; or a moment that is long past. */
  const drawSleep = (id: string, value: Drawn): Drawn =>
    random() < 0.8 ? sleep.as(id)(below(30_000)) : sleepUntil.as(id)(value.n);
  /** A signal that users send again and again until it was received, or that nobody sends. */
  const drawWait = (id: string, visible: readonly Drawn[], depth: number): Drawn => {
    const about = random() < 0.4 ? { for: pick(visible).n } : {};
    const drawn = (waitFor as Drawn).as(id);
    const signal = pick(["paid", "shipped"]);
    if (random() < 0.3) return useStepOn(visible, [drawn(signal, about), drawn.as(`${id}-too`)(signal, about)]);
    if (random() < 0.4) return useStepOn(visible, after(pick(visible), () => drawn(signal, about)) as Drawn);
    const otherwise = random() < 0.8 ? { otherwise: () => draw(visible, depth + 1) } : {};
    return useStepOn(visible, drawn("never", { ...about, timeout: below(20_000), ...otherwise }));
  };
  /** Kim and lee have to approve; or nobody does, and it is shown again and again until its time is over. */
  const drawApproval = (id: string, visible: readonly Drawn[]): Drawn => {
    const show =
      random() < 0.6 && options.hasShows !== false ? { show: (request: Drawn) => useStepOn(visible, request) } : {};
    const again = "show" in show && random() < 0.5 ? { remind: 1000 + below(5000) } : {};
    const escalate = random() < 0.5 ? { escalate: { after: below(8000), to: "max" } } : {};
    // Behind the latest reminder and escalation: others are refused.
    const late = random() < 0.3 ? { timeout: 8000 + below(20_000), ...escalate } : {};
    const by = { anyOf: ["kim", "lee"], atLeast: 2 };
    return (approval as Drawn).as(id)({ ask: { about: pick(visible).n }, by, ...show, ...again, ...late });
  };
  const drawCall = (id: string, child: WorkflowDefinition, visible: readonly Drawn[]): Drawn =>
    useStepOn(visible, (call as Drawn).as(id)(child, useStep(visible)));
  const drawScript = (id: string, value: Drawn): Drawn => {
    const scriptName = `script-${below(1000)}`;
    const program = programOf(scriptName);
    return (script as Drawn)(scriptName, (ctx: ScriptContext, given: Json) =>
      runProgram(program, ctx, steps, given),
    ).as(id)(value);
  };
  const useStepAfter = (visible: readonly Drawn[], depth: number): Drawn => draw(visible, depth + 1);
  const useStepOn = (visible: readonly Drawn[], value: Drawn): Drawn =>
    (pick(steps) as Drawn).as(nextName())({ value, tag: pick(visible).tag });

  /** What a workflow has later: something at its beginning, and something behind all that it came to. */
  const drawLater = (input: Drawn, output: Drawn): Drawn => {
    const early = (steps[0] as Drawn).as("later-first")(input);
    const seen = (derive as Drawn).as("later-derive")({ output }, (all: Answer) => answerOf("derive", all as never));
    return { output, early, late: (steps[1] as Drawn).as("later-last")(seen) };
  };

  return (workflow as Drawn)(name, {
    triggers: options.triggers ?? [],
    flow: (input: Drawn) => {
      const output = draw([input], 0);
      return options.later === undefined ? output : drawLater(input, output);
    },
  }) as WorkflowDefinition;
}
