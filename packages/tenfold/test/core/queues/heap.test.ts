/** Laws of heaps: the first is the least, and any member can be moved or taken out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newHeap, put, take, type Member } from "../../../src/core/queues/heap.ts";

interface Numbered extends Member {
  readonly id: number;
}

const steps = fc.array(fc.record({ id: fc.nat(40), order: fc.nat(9), isTaken: fc.boolean() }), {
  maxLength: 200,
  size: "max",
});

test("after whatever was put in, moved and taken out, members leave in their order, and by themselves within it", () => {
  fc.assert(
    fc.property(steps, (steps) => {
      const heap = newHeap<Numbered>((a, b) => a.id < b.id);
      const members = Array.from({ length: 41 }, (_, id): Numbered => ({ id, position: -1 }));
      const orders = new Map<number, number>();
      for (const { id, order, isTaken } of steps) {
        if (isTaken && orders.delete(id)) take(heap, members[id]!);
        else if (!isTaken) put(heap, members[id]!, orders.set(id, order).get(id)!);
        for (const [at, member] of heap.members.entries()) assert.equal(member.position, at);
      }
      const expected = [...orders].sort(([a, x], [b, y]) => x - y || a - b).map(([id]) => id);
      const left: number[] = [];
      for (let first = heap.members[0]; first !== undefined; first = heap.members[0]) {
        take(heap, first);
        left.push(first.id);
      }
      assert.deepEqual(left, expected);
      assert.ok(members.every(({ position }) => position === -1));
    }),
  );
});

test("what is in no heap cannot be taken out of one", () => {
  const heap = newHeap<Numbered>((a, b) => a.id < b.id);
  assert.throws(() => take(heap, { id: 1, position: -1 }), /who is taken out of a heap is in it/);
});
