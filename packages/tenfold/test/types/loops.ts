/** `repeat`, `attempt` and `approval`: what their callbacks see, and what they yield. */
import type * as flow from "../../src/flow/index.ts";
import { approval, attempt, gte, match, repeat, step } from "../../src/flow/index.ts";
import { same, type Lead } from "./lead.ts";

interface Draft {
  readonly score: number;
  readonly text: string;
}

declare const lead: flow.Lifted<Lead>;
declare const draft: flow.Lifted<Draft>;

const improve = step("improve", { run: (text: Draft): Draft => text });
const grow = step("grow", { run: (count: number) => count + 1 });

export function aRepeatKnowsItsState(): void {
  const options = { until: (text: flow.Lifted<Draft>) => gte(text.score, 80), max: 5 };
  same<Draft>()(repeat(draft, (text) => improve(text), options));
  same<{ score: number; text: string }>()(
    repeat({ score: 0, text: lead.email }, (text) => improve(text), { until: (text) => gte(text.score, 80), max: 5 }),
  );
  same<Draft>()(repeat<Draft>({ score: 0, text: lead.email }, (text) => improve(text), options));
  same<number>()(repeat(0, (count) => grow(count), { until: (count) => gte(count, 3), max: 5 }));
  same<number>()(repeat.as("again")(lead.points, (n) => grow(n), { until: (n) => gte(n, 3), max: 5, onMax: "last" }));
  // @ts-expect-error a round answers the next state
  repeat({ score: 0, text: lead.email }, () => ({ score: "high" }), options);
  // @ts-expect-error it has to have a bound
  repeat(draft, (text) => improve(text), { until: (text: flow.Lifted<Draft>) => gte(text.score, 80) });
}

export function anAttemptIsItsBodyOrItsHandler(): void {
  same<number | string>()(
    attempt(
      () => grow(1),
      (error) => error.message,
    ),
  );
}

export function anApprovalTimesOutOnlyWhereItHasATimeout(): void {
  const patient = approval({ ask: { of: lead.email }, by: { anyOf: [lead.email, "role:sales"], atLeast: 2 } });
  same<string | null>()(patient.comment);
  match(patient.outcome, { approved: () => 1, refused: () => 2 });
  const bounded = approval.as("bounded")({ ask: "now?", timeout: "1 day" });
  match(bounded.outcome, { approved: () => 1, refused: () => 2, "timed-out": () => 3 });
  // @ts-expect-error one outcome is missing
  match(bounded.outcome, { approved: () => 1, refused: () => 2 });
}
