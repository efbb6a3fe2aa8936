/** What `aes256gcm` promises of every text and place, and the published vectors of what it is made of. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { test } from "node:test";
import fc from "fast-check";
import { aes256gcm } from "../../../src/store/codec/aes256gcm.ts";
import { checkCodec, type TextPlace } from "../../../src/store/codec/codec.ts";
import { seal, unseal, xaesKey } from "../../../src/store/codec/xaes256gcm.ts";

const keyOf = (name: string): Buffer => createHash("sha256").update(name).digest();
const [old, young] = [keyOf("old"), keyOf("young")];
const codec = aes256gcm({ keys: { old, young }, use: "young" });
const before = aes256gcm({ keys: { old }, use: "old" });
const PLACE: TextPlace = { run: "01m4qk0v6b7x3c9r5t8w2000", what: "line", which: "3 done enrich" };

const anyText = fc.oneof(fc.string({ unit: "binary" }), fc.json());
const anyPlace = fc.record<TextPlace>({
  run: fc.string(),
  what: fc.constantFrom("input", "output", "error", "line", "message"),
  which: fc.string(),
});

test("the vectors that C2SP publishes for XAES-256-GCM come out, both ways", () => {
  const nonce = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWX");
  const text = Buffer.from("XAES-256-GCM");
  const vectors = [
    [0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"],
    [0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"],
  ] as const;
  for (const [byte, bound, sealed] of vectors) {
    const key = xaesKey(Buffer.alloc(32, byte));
    assert.equal(seal(key, nonce, text, Buffer.from(bound)).toString("hex"), sealed);
    assert.deepEqual(unseal(key, nonce, Buffer.from(sealed, "hex"), Buffer.from(bound)), text);
  }
});

test("every text comes back at its place, and is encoded alike each time", () => {
  fc.assert(
    fc.property(anyText, anyPlace, (text, place) => {
      const encoded = codec.encode(text, place);
      assert.equal(codec.encode(text, place), encoded);
      assert.equal(codec.decode(encoded, place), text);
      assert.match(encoded, /^aes256gcm:young:[\w-]+$/);
    }),
  );
});

test("no two texts or places have a nonce in common", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(anyText, anyPlace), { selector: (each) => JSON.stringify(each) }), (all) => {
      const nonces = all.map(([text, place]) => codec.encode(text, place).slice(0, "aes256gcm:young:".length + 32));
      assert.equal(new Set(nonces).size, all.length);
    }),
  );
});

test("a text is decoded at no other place", () => {
  const encoded = codec.encode(`"kim@example.com"`, PLACE);
  for (const moved of [{ run: "01m4qk0v6b7x3c9r5t8w2001" }, { what: "message" }, { which: "4 done enrich" }] as const) {
    assert.throws(() => codec.decode(encoded, { ...PLACE, ...moved }), { code: "CODEC_DAMAGED" });
  }
});

test("whatever bit of a text is turned over, it is an error", () => {
  const encoded = codec.encode(`{"iban":"DE89"}`, PLACE);
  for (let place = 0; place < encoded.length; place++) {
    for (let bit = 0; bit < 8; bit++) {
      const bytes = Buffer.from(encoded, "latin1");
      bytes[place]! ^= 1 << bit;
      assert.throws(
        () => codec.decode(bytes.toString("latin1"), PLACE),
        { code: /^CODEC_/ },
        `byte ${place}, bit ${bit}`,
      );
    }
  }
});

test("a text that was cut, lengthened or is another codec's is an error", () => {
  const encoded = codec.encode(`{"iban":"DE89"}`, PLACE);
  for (let length = 0; length < encoded.length; length++) {
    assert.throws(() => codec.decode(encoded.slice(0, length), PLACE), { code: /^CODEC_/ });
  }
  for (const other of [`${encoded}A`, `${encoded}:`, `${encoded}=`, `kms:young:${encoded.split(":")[2]}`]) {
    assert.throws(() => codec.decode(other, PLACE), { code: "CODEC_DAMAGED" }, other);
  }
});

test("after a rotation the old key still decodes, and only the one in use encodes", () => {
  const encoded = before.encode(`"old"`, PLACE);
  assert.match(encoded, /^aes256gcm:old:/);
  assert.equal(codec.decode(encoded, PLACE), `"old"`);
  assert.match(codec.encode(`"new"`, PLACE), /^aes256gcm:young:/);
});

test("a key that is not there is named, with the run and the way out; one that was exchanged gives no text", () => {
  const encoded = codec.encode(`"kim@example.com"`, PLACE);
  assert.throws(
    () => before.decode(encoded, PLACE),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, "CODEC_KEY_MISSING");
      assert.match(error.message, /The key "young".*the line "3 done enrich" of run 01m4qk.*not among.*\(old\).*Give/);
      return true;
    },
  );
  const exchanged = aes256gcm({ keys: { young: old }, use: "young" });
  assert.throws(() => exchanged.decode(encoded, PLACE), { code: "CODEC_DAMAGED", message: /"young" was another key/ });
});

test("digests stand for a text under the key in use first, and differ from key to key and from a plain hash", () => {
  const [first, second] = codec.digests("a hash");
  assert.deepEqual(before.digests("a hash"), [second]);
  assert.notEqual(first, second);
  assert.notEqual(codec.digests("another hash")[0], first);
});

test("keys are bytes, base64, base64url or hex, and the same key is the same whatever its form", () => {
  const encoded = before.encode("x", PLACE);
  for (const form of [new Uint8Array(old), old.toString("base64"), old.toString("base64url"), old.toString("hex")]) {
    assert.equal(aes256gcm({ keys: { old: form }, use: "old" }).encode("x", PLACE), encoded);
  }
});

const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
  ["no options", undefined, /no keys/],
  ["no keys", { keys: {}, use: "a" }, /no keys/],
  ["a key alone", { keys: old, use: "a" }, /no keys/],
  ["no use", { keys: { a: old } }, /no key to encode with/],
  ["another use", { keys: { a2: old }, use: "a1" }, /"a1", that is not among.*Did you mean `a2`\?/],
  ["a mistyped option", { keys: { a: old }, usee: "a" }, /no option `usee`.*Did you mean `use`\?/],
  ["a short key", { keys: { a: old.subarray(1) }, use: "a" }, /"a" of 31 bytes.*openssl rand/],
  ["a password", { keys: { a: "correct horse battery" }, use: "a" }, /"a" that is neither bytes nor base64/],
  ["a key that is not set", { keys: { a: process.env["TENFOLD_NO_SUCH_KEY"] }, use: "a" }, /"a" that is not set/],
  ["a name with a colon", { keys: { "a:b": old }, use: "a:b" }, /a key named "a:b"/],
];

for (const [what, options, says] of REFUSED) {
  test(`${what} is refused, and no key is told`, () => {
    assert.throws(
      () => aes256gcm(options as never),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "OPTION_UNSUPPORTED");
        assert.match(error.message, says);
        assert.match(error.message, /nothing was opened/);
        assert.doesNotMatch(error.message, /correct horse/);
        return true;
      },
    );
  });
}

test("a codec that is printed tells no key", () => {
  const printed = inspect(codec, { depth: 9, showHidden: true }) + JSON.stringify(codec);
  for (const key of [old, young]) {
    for (const form of ["hex", "base64"] as const) assert.ok(!printed.includes(key.toString(form).slice(0, 8)));
  }
});

test("a codec of a user's own is tried before it is used", () => {
  const good = { encode: (text: string) => encodeURI(text), decode: decodeURI, digests: (text: string) => [text] };
  assert.equal(checkCodec(good), good);
  const ofBytes = { ...good, encodeBytes: (bytes: Uint8Array) => bytes, decodeBytes: (bytes: Uint8Array) => bytes };
  assert.equal(checkCodec(ofBytes), ofBytes);
  let count = 0;
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [null, /null as `codec`/],
    [{ encode: good.encode, decode: good.decode }, /an object as `codec`.*`digests`/],
    [{ ...good, encode: (text: string) => `${count++}${text}` }, /in two ways/],
    [{ ...good, encode: (text: string) => text }, /not printable ASCII/],
    [{ ...good, encode: () => 1 }, /encodes a text as 1/],
    [{ ...good, decode: () => "" }, /does not decode/],
    [{ ...good, encodeBytes: (bytes: Uint8Array) => bytes }, /an object as `codec`.*both of `encodeBytes`/],
    [{ ...good, encodeBytes: () => "x", decodeBytes: () => "x" }, /encodes bytes as/],
    [{ ...good, encodeBytes: () => Uint8Array.of(count++), decodeBytes: () => 1 }, /same bytes in two ways/],
    [{ ...good, encodeBytes: () => Uint8Array.of(1), decodeBytes: () => Uint8Array.of(1) }, /not decode the bytes/],
    [{ ...good, digests: () => [] }, /no texts as `digests`/],
    [{ ...good, decode: () => { throw new Error("no key yet"); } }, /throws: no key yet/], // prettier-ignore
  ];
  for (const [codecGiven, says] of bad) {
    assert.throws(() => checkCodec(codecGiven), { code: "OPTION_UNSUPPORTED", message: says });
  }
});
