/**
 * Random workflows that are meaner than the simulator's: each in each, match in each, items that use outer nodes which
 * finish later, bodies that are finished at once, empty lists, concurrency, collected errors.
 */
import {
  after,
  approval,
  attempt,
  calendar,
  call,
  derive,
  each,
  eq,
  gte,
  match,
  present,
  repeat,
  script,
  sleep,
  step,
  waitFor,
  when,
  workflow,
} from "../../src/flow/index.ts";
import type { WorkflowDefinition } from "../../src/flow/definition.ts";
import type { Random } from "../../src/value/random.ts";

type Drawn = any;

const LONDON = calendar({ timeZone: "Europe/London", holidays: ["2025-12-25"] });
const NAMES = ["north", "east", "south", "west"];
const PLAIN = NAMES.map((name) => step(name, { run: (input: any): any => input }));
const UNDOABLE = NAMES.map((name) => step(name, { run: (input: any): any => input, undo: () => {} }));

/**
 * With `undo`, half of its steps can be undone; what its scripts call is no part of the graph. Without `races`, how it ends does
 * not depend on whether enough items complete before one fails.
 */
export function wildWorkflow(
  random: Random,
  nodesMax: number,
  { undo = false, scripts = true, races = true } = {},
): WorkflowDefinition {
  const STEPS = undo ? [...PLAIN.slice(0, 2), ...UNDOABLE.slice(2)] : PLAIN;
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;
  let left = 1 + below(nodesMax);
  let serial = 0;
  const id = () => `x${serial++}`;

  const scope = (outer: readonly Drawn[], depth: number): Drawn => {
    const known = [...outer];
    const count = below(4);
    for (let index = 0; index < count && left > 0; index++) {
      left--;
      known.push(one(known, depth));
    }
    return random() < 0.6 ? known.at(-1) : { last: known.at(-1), outer: pick(known).n };
  };

  const one = (known: readonly Drawn[], depth: number): Drawn => {
    const value = pick(known);
    const chance = random();
    if (depth >= 4 || chance < 0.35) return (pick(STEPS) as Drawn).as(id())({ value, other: pick(known) });
    if (scripts && chance < 0.38)
      return onwards((script as Drawn)(`script-${below(1000)}`, () => null).as(id())(value));
    if (chance < 0.42) return (derive as Drawn).as(id())(value, (seen: unknown) => seen);
    if (chance < 0.5) {
      const first = random() < 0.5 ? pick(known) : after(pick(known), () => rest(below(1000)));
      return (after as Drawn)(first, () => (pick(STEPS) as Drawn).as(id())(value));
    }
    if (chance < 0.53 && random() < 0.5) return (call as Drawn).as(id())("child", { value, other: pick(known) });
    if (chance < 0.55) return wait(known, depth, value);
    if (chance < 0.63) {
      const shared = () => arm(known, depth);
      return onwards((match as Drawn).as(id())(value.tag, { a: shared, b: shared, c: () => arm(known, depth) }));
    }
    if (chance < 0.72) {
      const condition = random() < 0.5 ? gte(value.n, 50) : eq(value.tag, "a");
      return onwards((when as Drawn).as(id())(condition, () => arm(known, depth)));
    }
    if (chance < 0.78) return people(known);
    if (chance < 0.85) return attempted(known, depth);
    if (chance < 0.91) return repeated(known, depth, value);
    return spread(known, depth, value);
  };

  /** Two people decide, or nobody does in time. */
  const people = (known: readonly Drawn[]): Drawn => {
    const show = random() < 0.5 ? { show: (request: Drawn) => onwards(request) } : {};
    const again = random() < 0.5 && "show" in show ? { remind: "2s" } : {};
    const late = random() < 0.3 ? { timeout: "5s", escalate: { after: "3s", to: "max" } } : {};
    const by = { anyOf: ["kim", "lee"], atLeast: 2 };
    return onwards((approval as Drawn).as(id())({ ask: { about: pick(known) }, by, ...show, ...again, ...late }));
  };

  const attempted = (known: readonly Drawn[], depth: number): Drawn =>
    onwards(
      (attempt as Drawn).as(id())(
        () => (undo && random() < 0.3 ? inVain(known, depth) : arm(known, depth)),
        (error: Drawn) => onwards({ error: present(error.code), other: pick(known) }),
        undo && random() < 0.3 ? { undo: false } : {},
      ),
    );

  /** A body that fails after a while, whatever else is in it. */
  const inVain = (known: readonly Drawn[], depth: number): Drawn => [
    arm(known, depth),
    (waitFor as Drawn).as(id())("never", { timeout: 500 }),
  ];

  /** A loop that ends when it is told to, or after its last round; each round may hold anything. */
  const repeated = (known: readonly Drawn[], depth: number, value: Drawn): Drawn => {
    const round = (state: Drawn): Drawn =>
      onwards({ state, body: random() < 0.5 ? arm([...known], depth) : pick(known) });
    const until = random() < 0.5 ? (state: Drawn) => gte(state.n, 60) : (state: Drawn) => eq(state.tag, "a");
    return (repeat as Drawn).as(id())(value, round, { until, max: 1 + below(3), onMax: "last" });
  };
  /** Milliseconds, or a business day or two. */
  const rest = (length: number): Drawn =>
    length % 4 > 0
      ? sleep.as(id())(length)
      : (sleep as Drawn).as(id())(`${1 + (length % 3)} business days`, { calendar: LONDON });

  /** For something or for the run; for ever, or for a while; in the end it has an answer. */
  const wait = (known: readonly Drawn[], depth: number, value: Drawn): Drawn => {
    const about = random() < 0.5 ? { for: value.n } : {};
    const drawn = (waitFor as Drawn).as(id());
    if (random() < 0.7) return onwards(drawn(pick(["paid", "shipped"]), about));
    return onwards(drawn("never", { ...about, timeout: 500, otherwise: () => arm(known, depth) }));
  };

  /** An each over plain numbers, or over answers, whose items have lists of their own at once. */
  const spread = (known: readonly Drawn[], depth: number, value: Drawn): Drawn => {
    const concurrency = random() < 0.6 ? { concurrency: 1 + below(2) } : {};
    const hasAnswers = random() < 0.5;
    const list = random() < 0.8 ? value.list : random() < 0.5 ? [] : [pick(known).n, 7, pick(known).n];
    const items = hasAnswers ? (each as Drawn).as(id())(list, (item: Drawn) => onwards(item)) : list;
    const isEmpty = Array.isArray(items) && items.length === 0;
    if (!isEmpty && random() < 0.3) return enough(known, depth, items, hasAnswers, concurrency);
    const failAbove = random() < 0.3 ? { failAbove: random() < 0.5 ? below(3) : "50%" } : {};
    const onError = random() < 0.4 ? { onError: "collect", ...failAbove } : {};
    const results = (each as Drawn).as(id())(
      items,
      (item: Drawn) => {
        const body = scope(hasAnswers ? [...known, item, item] : known, depth + 1);
        return random() < 0.5 ? body : { item, body };
      },
      { ...concurrency, ...onError },
    );
    return random() < 0.5 ? onwards({ results, value }) : (onwards({ results, value }), value);
  };

  /** Which items are heard is a matter of time, so only that enough were is used. */
  const enough = (
    known: readonly Drawn[],
    depth: number,
    items: Drawn,
    hasAnswers: boolean,
    concurrency: object,
  ): Drawn => {
    const body = (item: Drawn) => scope(hasAnswers ? [...known, item] : known, depth + 1);
    const onError = !races || random() < 0.7 ? { onError: "collect" } : {};
    const options = { ...concurrency, ...onError, enough: 1 + below(2), rest: pick(["finish", "stop"]) };
    const rough = (attempt as Drawn).as(id())(
      () => present((each as Drawn).as(id())(items, body, options)),
      (error: Drawn) => onwards(present(error.code)),
    );
    return onwards({ rough: present(rough), value: pick(known) });
  };

  /** Only what steps and derives answer is known to have a tag, a number and a list. */
  const onwards = (value: Drawn): Drawn => (pick(STEPS) as Drawn).as(id())(value);

  /** An arm draws at least one node. */
  const arm = (known: readonly Drawn[], depth: number): Drawn => {
    const first = (pick(STEPS) as Drawn).as(id())(pick(known));
    return scope([...known, first], depth + 1);
  };

  return (workflow as Drawn)("wild", {
    flow: (input: Drawn) => {
      const known = [input];
      while (left-- > 0) known.push(one(known, 0));
      return { last: known.at(-1), some: pick(known) };
    },
  }) as WorkflowDefinition;
}
