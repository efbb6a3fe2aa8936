/** The memory store keeps the laws that it specifies. */
import { MemoryStore } from "../../src/store/memory.ts";
import { conformance } from "./conformance.ts";

conformance("memory", async (lanes) => new MemoryStore(lanes));
