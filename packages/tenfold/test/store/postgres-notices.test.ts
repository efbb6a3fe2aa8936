/** What is told to other handles, and what a handle does when it hears it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/store/postgres/connection.ts";
import type { Listener } from "../../src/store/postgres/listener.ts";
import { Notices } from "../../src/store/postgres/notices.ts";

type Told = (payload: string | undefined) => void;

function hearing(): { notices: Notices; heard: string[]; told: string[]; tell: Told } {
  let tell: Told = () => assert.fail("it does not listen");
  const listener = { listen: (hears: Told) => void (tell = hears), close: () => {} } as unknown as Listener;
  const told: string[] = [];
  const rows = async (_sql: string, _channel: string, payload: string): Promise<unknown[]> => (told.push(payload), []);
  const notices = new Notices("channel", { rows } as unknown as Connection, listener);
  const heard: string[] = [];
  notices.onLate = () => heard.push("late");
  notices.watch("due", () => heard.push("due"));
  notices.watch("ended", () => heard.push("ended"));
  return { notices, heard, told, tell };
}

test("a run started within a caller's transaction is heard as late, before those who look for it hear of it", () => {
  const { notices, heard, tell } = hearing();
  tell(notices.dueWithin().values![1] as string);
  assert.deepEqual(heard, ["late", "due"]);
});

test("what is told in the ordinary way is not late, and is told apart", () => {
  const { heard, tell } = hearing();
  tell("due");
  tell("ended");
  tell("due ended");
  assert.deepEqual(heard, ["due", "ended", "due", "ended"]);
});

test("after notifications may have been lost, everything may have changed", () => {
  const { heard, tell } = hearing();
  tell(undefined);
  assert.deepEqual(heard, ["late", "due", "ended"]);
});

test("a handle tells its own watchers at once, and does not hear from the server what it has told itself", async (t) => {
  const one = hearing();
  const other = hearing();
  t.after(() => Promise.all([one, other].map(({ notices }) => notices.close())));
  one.notices.tell("ended");
  assert.deepEqual(one.heard, ["ended"]);
  const [payload] = one.told;
  one.tell(payload);
  other.tell(payload);
  assert.deepEqual(one.heard, ["ended"]);
  assert.deepEqual(other.heard, ["ended"]);
});
