/** What is told to other handles, and what a handle does when it hears it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/store/postgres/connection.ts";
import type { Listener } from "../../src/store/postgres/listener.ts";
import { Notices } from "../../src/store/postgres/notices.ts";

type Told = (payload: string | undefined) => void;

function hearing(): { notices: Notices; heard: string[]; tell: Told } {
  let tell: Told = () => assert.fail("it does not listen");
  const listener = { listen: (told: Told) => void (tell = told) } as unknown as Listener;
  const notices = new Notices("channel", {} as Connection, listener);
  const heard: string[] = [];
  notices.onLate = () => heard.push("late");
  notices.watch("due", () => heard.push("due"));
  notices.watch("ended", () => heard.push("ended"));
  return { notices, heard, tell };
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
