/** The post of an encoded store. Invariant: a parcel whose message cannot be decoded here is carried as it is. */
import { TenfoldError } from "../../value/error.ts";
import type { Parcel, ParcelName, Post, Send, SendAnswer } from "../store.ts";
import type { Codec } from "./codec.ts";
import { messagePlace } from "./decoded.ts";
import { decodeBody, encodeBody } from "./encoded-text.ts";

export class EncodedPost implements Post {
  readonly #post: Post;
  readonly #codec: Codec;

  constructor(post: Post, codec: Codec) {
    this.#post = post;
    this.#codec = codec;
  }

  async outgoing(lane: number, after: ParcelName | null, limit: number): Promise<readonly Parcel[]> {
    const parcels = await this.#post.outgoing(lane, after, limit);
    return parcels.map(({ from, send }) => ({ from, send: decodedSend(this.#codec, send) }));
  }

  deliver(lane: number, parcels: readonly Parcel[], now: number): Promise<readonly SendAnswer[]> {
    const encoded = parcels.map(({ from, send }) => ({ from, send: encodedSend(this.#codec, send) }));
    return this.#post.deliver(lane, encoded, now);
  }

  remove(lane: number, names: readonly ParcelName[]): Promise<void> {
    return this.#post.remove(lane, names);
  }

  received(lane: number, before: number, limit: number): Promise<readonly ParcelName[]> {
    return this.#post.received(lane, before, limit);
  }

  holds(lane: number, names: readonly ParcelName[]): Promise<readonly boolean[]> {
    return this.#post.holds(lane, names);
  }

  release(lane: number, names: readonly ParcelName[]): Promise<void> {
    return this.#post.release(lane, names);
  }
}

export function encodedSend(codec: Codec, send: Send): Send {
  const { run, message } = send;
  return { ...send, message: { ...message, body: encodeBody(codec, message.body, messagePlace(run, message.key)) } };
}

function decodedSend(codec: Codec, send: Send): Send {
  const { run, message } = send;
  const body = decodeBody(codec, message.body, messagePlace(run, message.key));
  return body instanceof TenfoldError ? send : { ...send, message: { ...message, body } };
}
