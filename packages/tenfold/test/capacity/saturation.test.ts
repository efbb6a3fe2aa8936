/** The bounds: what operational laws say of a workflow before it is simulated, beside what comes of simulating it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { saturation } from "../../src/capacity/bounds/saturation.ts";
import type { Model } from "../../src/capacity/model/model.ts";
import { Simulation } from "../../src/capacity/simulator/simulation.ts";
import { Tally } from "../../src/capacity/simulator/tally.ts";
import { worldOf } from "../../src/capacity/simulator/world.ts";
import { stepOf, untyped, workflowOf, World } from "../engine/world.ts";
import { Story } from "./story.ts";

const { each, limit, when } = untyped;
const nothing = (): void => {};
const SECONDS = 400;

/** An order that is charged, its lines labelled, and some wrapped: all at two a second. */
function orders(): { readonly flow: ReturnType<typeof workflowOf>; readonly model: Model } {
  const api = limit("api", { concurrency: 20, rate: "25/s" });
  const charge = stepOf("charge", nothing, { retry: { attempts: 4 }, queue: { concurrency: 4, limit: api } });
  const label = stepOf("label", nothing, { queue: { rate: "40/s" } });
  const wrap = stepOf("wrap", nothing);
  const flow = workflowOf("order", (order: any) => [charge(order.id), each(order.lines, (line: any) => label(line)), when(order.isGift, () => wrap(order.id))]); // prettier-ignore
  const idOf = (kind: string): string => flow.graph.nodes.find((node) => node.kind === kind)!.id;
  const model: Model = {
    workflows: {
      order: {
        arrivals: { kind: "poisson", perSecond: 2 },
        items: { [idOf("each")]: { kind: "recorded", values: [1, 2, 3, 4] } },
        arms: { [idOf("match")]: { then: 0.25 } },
      },
    },
    steps: {
      charge: { takes: { kind: "fixed", value: 320 }, fails: 0.5 },
      label: { takes: { kind: "fixed", value: 90 } },
      wrap: { takes: { kind: "fixed", value: 50 }, computes: { kind: "fixed", value: 10 } },
    },
    workers: { count: 2, slots: 100 },
    store: { commitMs: 1, lineMs: 0.1, commitsAtOnce: 1 },
  };
  return { flow, model };
}

test("each limit is used up when all that comes to it is what it gives", () => {
  const { flow, model } = orders();
  const found = saturation(worldOf([flow], model), "order");
  const at = (kind: string, of: string | null) => found.find((each) => each.kind === kind && each.of === of)!.saturatesAt; // prettier-ignore
  // 1 + 1/2 + 1/4 + 1/8 attempts of an order.
  const calls = 2 * 1.875;
  const about = (value: number, expected: number) => assert.ok(Math.abs(value / expected - 1) < 1e-6, `${value}, and not ${expected}`); // prettier-ignore
  about(at("concurrency", "charge"), 4 / (calls * 0.32));
  about(at("concurrency", "limit api"), 20 / (calls * 0.32));
  about(at("rate", "limit api"), 25 / calls);
  about(at("rate", "label"), 40 / (2 * 2.5));
  about(at("slots", null), 200 / (calls * 0.32 + 2 * 2.5 * 0.09 + 2 * 0.25 * 0.06));
  about(at("event loop", null), 2 / (2 * 0.25 * 0.01));
  // The bodies, and which arm was taken.
  about(at("store", null), 10_000 / (calls + 2 * 2.5 + 2 * 0.25 + 2));
  assert.deepEqual([found[0]!.kind, found[0]!.of], ["concurrency", "charge"]);
});

test("what others use of a limit is not there for a workflow, and what only they use does not bound it", () => {
  const { flow, model } = orders();
  const other = workflowOf("other", (n: any) => stepOf("mail", nothing, { queue: { rate: "1/s" } })(flow.steps.size && n)); // prettier-ignore
  const both: Model = {
    ...model,
    workflows: { ...model.workflows, other: { arrivals: { kind: "even", perSecond: 0.5 } } },
    steps: { ...model.steps, mail: { takes: { kind: "fixed", value: 1 } } },
  };
  const world = worldOf([flow, other], both);
  assert.equal(
    saturation(world, "order").some(({ of }) => of === "mail"),
    false,
  );
  const [first] = saturation(world, "other");
  assert.deepEqual([first!.of, first!.saturatesAt], ["mail", 2]);
});

test("of random workflows as much is used as the law says", () => {
  let compared = 0;
  for (let seed = 0; seed < 60; seed++) {
    const { flow, model } = new Story(seed, new World());
    const { w } = model.workflows;
    const world = worldOf([flow], { ...model, workflows: { w: { ...w!, arrivals: { kind: "even", perSecond: 1 } } } });
    const tally: Tally = new Tally(world, 0, () => simulation.now);
    const simulation: Simulation = new Simulation(world, seed, tally);
    simulation.runUntil(SECONDS * 1000);
    simulation.closeSources();
    simulation.runUntil(Infinity);
    for (const { kind, of, amount, used } of saturation(world, "w")) {
      const { busyMs, began } = tally.steps.find(({ name }) => name === of) ?? { busyMs: 0, began: 0 };
      const isOfStep = world.steps.some(({ name }) => name === of);
      if (!isOfStep || (kind !== "concurrency" && kind !== "rate") || tally.failed > 0) continue;
      const found = kind === "rate" ? began / SECONDS / amount : busyMs / 1000 / SECONDS / amount;
      assert.ok(Math.abs(found / used - 1) < 0.15, `seed ${seed}: ${kind} of ${of}: ${found}, by the law ${used}`);
      compared++;
    }
  }
  assert.ok(compared > 30, `${compared} were compared`);
});
