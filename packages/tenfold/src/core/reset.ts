/**
 * Nodes of a run that begin anew: those that are named, whatever depends on them, and nothing else.
 * Invariants: a node that is reset waits for what it needs as if it had never begun; a construct that was finished and holds
 * one is open again; what belonged to the former time changes nothing any more, because a path and its generation never
 * come twice; a run in which nothing was reset costs nothing of this.
 */
import { removeRequest } from "./asked.ts";
import type { CompiledNode } from "./compile.ts";
import { disownCalls, giveUpFrame, isCalled } from "./constructs/call.ts";
import { isUndertaking } from "./constructs/undertaking.ts";
import { framesBelow, marksOf, touch, visitAllFrames } from "./marks.ts";
import { countOpen } from "./boundaries.ts";
import { isRequest, isRounds, isSpread } from "./opened.ts";
import {
  ASLEEP,
  bornOf,
  DONE,
  frameOf,
  OPENED,
  RETRYING,
  visitFrames,
  type Frame,
  type Place,
  type RunState,
} from "./state.ts";
import type { Turn } from "./turn.ts";

/** A node that is being reset counts what it needs anew. */
const UNCOUNTED = 1;

export class Reset {
  readonly #turn: Turn;
  /** In the order in which they were found. */
  readonly #chosen: Place[] = [];
  readonly #isChosen = new Map<Frame, Set<number>>();
  /** Frames that nothing leads to any more, with all below. */
  readonly #dropped = new Set<Frame>();
  readonly #reopened = new Set<Frame>();
  /** Frames that were closed: what finished meanwhile, their nodes were not told. */
  readonly #takenUp: Frame[] = [];
  #hasNewKeys = false;

  constructor(turn: Turn) {
    this.#turn = turn;
    turn.state.resets++;
  }

  /** Chooses `places` and what depends on them; their bodies have other keys than before if it says so. */
  add(places: readonly Place[], hasNewKeys: boolean): void {
    this.#hasNewKeys = hasNewKeys;
    const from = this.#chosen.length;
    for (const place of places) this.#choose(place);
    for (let next = from; next < this.#chosen.length; next++) this.#follow(this.#chosen[next]!);
    for (const place of this.#chosen.slice(from)) if (!this.#isDropped(place.frame)) this.#clear(place);
  }

  /** Has all that was chosen wait for what it needs; answers those that need nothing that is not there. */
  finish(): readonly Place[] {
    const { compiled } = this.#turn.state;
    const left = [...this.#chosen, ...this.#untold()].filter(({ frame }) => !this.#isDropped(frame));
    for (const { frame, node } of left) {
      const missing = node.needs.filter((index) => {
        const needed = compiled.nodes[index]!;
        return frameOf(frame, needed).waits[needed.local] !== DONE;
      });
      frame.waits[node.local] = missing.length;
    }
    return left.filter(({ frame, node }) => frame.waits[node.local] === 0);
  }

  /** Nodes that wait, and were not chosen, in frames that were taken up. */
  #untold(): Place[] {
    const places: Place[] = [];
    for (const inner of this.#takenUp) {
      visitFrames(inner, (frame) => {
        const chosen = this.#chosenIn(frame);
        for (const node of frame.scope.nodes) {
          if (frame.waits[node.local]! <= 0 || chosen.has(node.local)) continue;
          chosen.add(node.local);
          places.push({ frame, node });
        }
      });
    }
    return places;
  }

  #choose(place: Place): void {
    const shown = this.#approvalAround(place.frame);
    if (shown !== undefined) {
      // What was decided stays so, whatever becomes of what had shown it.
      if (shown.frame.waits[shown.node.local] === DONE) shown.frame.marks?.kept.delete(shown.node.local);
      else this.#choose(shown);
      return;
    }
    const { frame, node } = place;
    const chosen = this.#chosenIn(frame);
    if (chosen.has(node.local)) return;
    chosen.add(node.local);
    this.#chosen.push(place);
  }

  #chosenIn(frame: Frame): Set<number> {
    let chosen = this.#isChosen.get(frame);
    if (chosen === undefined) this.#isChosen.set(frame, (chosen = new Set()));
    return chosen;
  }

  #approvalAround(frame: Frame): Place | undefined {
    let found: Place | undefined;
    for (let inner = frame; inner.parent !== null; inner = inner.parent) {
      const owner = this.#ownerOf(inner);
      if (owner.node.node.kind === "approval") found = owner;
    }
    return found;
  }

  #ownerOf(frame: Frame): Place {
    return { frame: frame.parent!, node: this.#turn.state.compiled.nodes[frame.scope.owner]! };
  }

  /** Chooses what depends on a node, and opens again what it stands in. */
  #follow(place: Place): void {
    this.#chooseDependents(place);
    this.#reopen(place.frame);
  }

  #chooseDependents({ frame, node }: Place): void {
    for (const { via, node: user } of node.dependents) {
      for (const found of this.#usersBelow(frame, via, 0, user)) this.#choose(found);
    }
  }

  /** Where `user` stands in what `frame` holds; the construct around it where that is forgotten, or is no more what it was. */
  #usersBelow(frame: Frame, via: readonly CompiledNode[], depth: number, user: CompiledNode): readonly Place[] {
    const owner = via[depth];
    if (owner === undefined) return frame.scope.index === user.scope ? [{ frame, node: user }] : [];
    const whole = [{ frame, node: owner }];
    const child = frame.children?.get(owner.local);
    if (child === undefined) return [];
    const scope = via[depth + 1]?.scope ?? user.scope;
    if ("scope" in child) {
      if (child.scope.index === scope) return this.#usersBelow(child, via, depth + 1, user);
      return owner.node.kind === "attempt" && owner.node.body === scope ? whole : [];
    }
    const below = framesBelow(frame, owner.local);
    if (isSpread(child)) {
      if (below.length < child.next) return whole;
      return below.flatMap((inner) => this.#usersBelow(inner, via, depth + 1, user));
    }
    if (isRequest(child)) return frame.waits[owner.local] === DONE ? [] : whole;
    if (!isRounds(child)) return [];
    if (below.length < child.frames.length) return whole;
    // The rounds behind the first that is concerned are made anew.
    for (const round of below.toSorted((a, b) => a.item - b.item)) {
      const found = this.#usersBelow(round, via, depth + 1, user);
      if (found.length > 0) return found;
    }
    return [];
  }

  /** The frame holds what is to begin anew: whatever it belongs to is not finished. */
  #reopen(inner: Frame): void {
    if (inner.parent === null || this.#reopened.has(inner) || this.#dropped.has(inner)) return;
    this.#reopened.add(inner);
    const owner = this.#ownerOf(inner);
    const { frame, node } = owner;
    if (this.#isChosen.get(frame)?.has(node.local) !== true) {
      if (!this.#takeUp(owner, inner)) return this.#choose(owner);
      this.#markBorn(owner);
      if (frame.waits[node.local] === DONE) {
        frame.waits[node.local] = OPENED;
        frame.outputs[node.local] = undefined;
        frame.open++;
        this.#chooseDependents(owner);
      }
    }
    this.#reopen(frame);
  }

  /** Puts a frame that may be closed back to work; false where its owner has gone on to another. */
  #takeUp({ frame, node }: Place, inner: Frame): boolean {
    const child = frame.children!.get(node.local)!;
    if ("scope" in child) return child === inner;
    const kept = frame.marks?.kept.get(node.local);
    if (isSpread(child)) {
      // Which of its items are enough is found out anew.
      if (child.enough !== null) return false;
      if (child.frames[inner.item] === inner) return true;
      child.frames[inner.item] = inner;
      child.results[inner.item] = undefined;
      child.active++;
      this.#takenUp.push(inner);
      remove(child.failed, inner);
      kept?.delete(inner);
      return true;
    }
    if (isRounds(child)) {
      const later = framesBelow(frame, node.local).filter(({ item }) => item > inner.item);
      for (const round of later) {
        this.#drop(round);
        kept?.delete(round);
      }
      child.frames.length = inner.item + 1;
      child.frames[inner.item] = inner;
      child.from = Math.min(child.from, inner.item);
      child.ahead = null;
      kept?.delete(inner);
    }
    return true;
  }

  #isDropped(frame: Frame): boolean {
    for (let inner: Frame | null = frame; inner !== null; inner = inner.parent) {
      if (this.#dropped.has(inner)) return true;
      if (inner.parent !== null && this.#isChosen.get(inner.parent)?.has(inner.scope.ownerLocal) === true) return true;
    }
    return false;
  }

  /** Nothing of it counts any more. */
  #drop(frame: Frame): void {
    this.#dropped.add(frame);
    giveUpFrame(this.#turn, frame);
    visitFrames(frame, (inner) => {
      inner.waits.forEach((waits) => (waits === 0 || waits === RETRYING) && countOpen(inner, -1));
    });
  }

  #clear(place: Place): void {
    const { frame, node } = place;
    const { local } = node;
    const waits = frame.waits[local]!;
    const child = frame.children?.get(local);
    if (waits === DONE && !(child !== undefined && isSpread(child) && child.isUnheard)) frame.open++;
    if (waits === 0 || waits === RETRYING) countOpen(frame, -1);
    if (waits === ASLEEP && child !== undefined && isCalled(child)) disownCalls(this.#turn, asItIs(place));
    if (child !== undefined && isRequest(child)) removeRequest(this.#turn.state, child);
    for (const inner of framesBelow(frame, local)) this.#drop(inner);
    const stands = !this.#hasNewKeys && mayStand(place);
    frame.waits[local] = UNCOUNTED;
    if (!stands) frame.outputs[local] = undefined;
    frame.readyAt[local] = NaN;
    frame.retries?.delete(local);
    // What may have happened is asked, also of what begins anew.
    if (child !== undefined && !isUndertaking(child)) frame.children!.delete(local);
    frame.marks?.kept.delete(local);
    if (stands) touch(frame, node);
    else frame.marks?.touched.delete(local);
    frame.marks?.undoAttempts.delete(local);
    this.#markBorn(place);
  }

  /** What runs, or is opened, from now on is not what it was. */
  #markBorn({ frame, node }: Place): void {
    const { resets } = this.#turn.state;
    const { key } = bornOf(frame, node.local);
    marksOf(frame).born.set(node.local, { generation: resets, key: this.#hasNewKeys ? resets : key });
  }
}

/** What the node did, or may have done, was not taken back. */
function mayStand({ frame, node }: Place): boolean {
  return node.hasUndo && (frame.waits[node.local] === DONE || frame.marks?.touched.has(node.local) === true);
}

/** What a node's place was before it is reset: the child of a call that is let go is found by it. */
function asItIs({ frame, node }: Place): Frame {
  const child = frame.children!.get(node.local)!;
  const marks = frame.marks === null ? null : { ...frame.marks, born: new Map(frame.marks.born) };
  const waits = frame.waits.map((waits, local) => (local === node.local ? waits : DONE));
  return { ...frame, waits, readyAt: frame.readyAt.slice(), children: new Map([[node.local, child]]), marks };
}

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}

/** Every node of a run that stands so. */
export function placesThat(state: RunState, stands: (frame: Frame, node: CompiledNode) => boolean): readonly Place[] {
  const places: Place[] = [];
  visitAllFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) if (stands(frame, node)) places.push({ frame, node });
  });
  return places;
}
