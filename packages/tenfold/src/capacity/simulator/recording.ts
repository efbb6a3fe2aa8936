/** What happens in runs, as the engine's recorder has it: entries, what core asks for then, and what of that is done at once. */
import type { Command } from "../../core/command.ts";
import type { Entry, RunError } from "../../core/entry.ts";
import { begin, reduce } from "../../core/reduce.ts";
import type { Place } from "../../core/state.ts";
import { invariant, unreachable } from "../../value/error.ts";
import type { Json } from "../../value/json.ts";
import { drawn, PURPOSE } from "../model/chance.ts";
import type { Quantile } from "../model/distribution.ts";
import type { SimulatedRun } from "./simulated-run.ts";
import type { SimulatedNode } from "./world.ts";

type AskedNode = Extract<SimulatedNode, { kind: "asked" }>;

/** The node has its result; 0 is the attempt of what no body has answered. */
export function done(at: number, attempt: number, output: Json = null): Entry {
  return { kind: "done", node: "", at, attempt, output, tookMs: 0 };
}

export function failure(at: number, attempt: number, error: RunError, retryAt: number | null): Entry {
  return { kind: "failed", node: "", at, attempt, error, retryAt, tookMs: 0 };
}

/** The run begins: what is to be done first is put off. */
export function beginRun(run: SimulatedRun, at: number): void {
  const commands: Command[] = [];
  // In whole milliseconds, as an id has it.
  run.state = begin(run.workflow.compiled, { run: run.id, input: null, startedAt: Math.floor(run.cameAt) }, commands);
  obey(run, commands, at);
}

/** Something has happened, and what needs nothing written happens with it; the rest is put off. */
export function record(run: SimulatedRun, entry: Entry, place: Place | undefined): void {
  const commands: Command[] = [];
  apply(run, entry, place, commands);
  obey(run, commands, entry.at);
}

function apply(run: SimulatedRun, entry: Entry, place: Place | undefined, commands: Command[]): void {
  run.unwritten++;
  reduce(run.state, entry, commands, place);
}

/** Commands may grow while it goes, as in the engine. */
function obey(run: SimulatedRun, commands: Command[], at: number): void {
  for (let next = 0; next < commands.length; next++) {
    const command = commands[next]!;
    switch (command.kind) {
      case "derive": {
        const node = run.workflow.nodes[command.place.node.index]!;
        if (node.kind !== "asked") {
          apply(run, done(at, 0), command.place, commands);
          break;
        }
        // Where there are values nobody is asked: what follows comes in its place, and nothing is written.
        const following: Command[] = [];
        reduce(run.state, done(at, 0, answer(run, command.place, at, node)), following, command.place);
        commands.splice(next + 1, 0, ...following);
        break;
      }
      case "choose":
        choose(run, command.place, at, commands);
        break;
      case "abandon":
        apply(run, { kind: "abandoned", node: "", at }, command.place, commands);
        break;
      case "refuse":
        apply(run, failure(at, 0, command.error, null), command.place, commands);
        break;
      case "finish":
      case "fail":
      case "cancel":
        run.ending = command;
        break;
      case "disown":
        break;
      default:
        run.deferred.push(command);
    }
  }
}

function answer(run: SimulatedRun, place: Place, at: number, { asked, amountOf, lists }: AskedNode): Json {
  switch (asked.kind) {
    case "items":
      return listOf(lists, amount(run, asked.of, place, amountOf));
    case "last":
      return isLast(run, place, amountOf);
    case "moment":
      return Math.round(at + amountOf(drawn(run.identityOf(place), PURPOSE.waits)));
    default:
      return unreachable(asked.kind);
  }
}

/** How many items the each has, which stands beside the node that is asked. */
function amount(run: SimulatedRun, of: number, { frame }: Place, amountOf: Quantile): number {
  const node = run.workflow.compiled.nodes[of]!;
  return Math.round(amountOf(drawn(run.identityOf({ frame, node }), PURPOSE.items)));
}

/** Of how many rounds there are it is drawn for the repeat, once. */
function isLast(run: SimulatedRun, { frame }: Place, amountOf: Quantile): boolean {
  const owner = { frame: frame.parent!, node: run.workflow.compiled.nodes[frame.scope.owner]! };
  return frame.item + 1 >= Math.round(amountOf(drawn(run.identityOf(owner), PURPOSE.rounds)));
}

function choose(run: SimulatedRun, place: Place, at: number, commands: Command[]): void {
  const node = run.workflow.nodes[place.node.index]!;
  invariant(node.kind === "match", "only a match chooses");
  const arm = node.arms[node.armOf(drawn(run.identityOf(place), PURPOSE.arm))]!;
  apply(run, { kind: "chose", node: "", at, arm }, place, commands);
}

/** So many items, of which nothing is known: an each has one list for all runs in which it has as many. */
function listOf(lists: (Json | undefined)[], count: number): Json {
  return (lists[count] ??= Array.from({ length: count }, () => null));
}
