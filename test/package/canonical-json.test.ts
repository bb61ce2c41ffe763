import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBase64, encodeBase64 } from "../../src/package/base64.ts";
import { canonicalJson, parseCanonicalJson, type Json } from "../../src/package/canonical-json.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("canonical JSON", () => {
  test("orders keys by UTF-16 units, prints numbers and texts as RFC 8785 does", () => {
    // RFC 8785, 3.2.3: the emoji sorts before U+FB33 by its first surrogate.
    const value = { "\u20ac": "Euro", "\r": "CR", "\ufb33": "Dalet", "1": "One", "\ud83d\ude00": "Emoji", "\u0080": "Control", "\u00f6": "o" };
    expect(Object.keys(JSON.parse(canonicalJson(value)) as object).sort()).toEqual(Object.keys(value).sort());
    expect([...canonicalJson(value).matchAll(/"([^"]+)":/g)].map((m) => m[1])).toEqual(["\\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"]);
    expect(canonicalJson([333333333.33333329, 1e30, 4.5, 2e-3, 1e-27, -0, 1e21])).toBe("[333333333.3333333,1e+30,4.5,0.002,1e-27,0,1e+21]");
    expect(canonicalJson('\u20ac$\u000f\nA\'B"\\"/')).toBe('"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/"');
    expect(canonicalJson({ b: undefined, a: null })).toBe('{"a":null}');
  });

  test("reads back what it wrote", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = (() => {
          try {
            return canonicalJson(value as Json);
          } catch {
            return undefined; // Half a surrogate pair has no UTF-8 form.
          }
        })();
        if (text !== undefined) expect(canonicalJson(parseCanonicalJson(bytesOf(text))!)).toBe(text);
      }),
      { seed: 2 },
    );
  });

  test.each([
    ["a space", '{"a": 1}'],
    ["keys out of order", '{"b":1,"a":2}'],
    ["a key twice", '{"a":1,"a":1}'],
    ["another spelling of a number", '{"a":1.0}'],
    ["a number that doubles can't hold", '{"a":9007199254740993}'],
    ["an escape that is not needed", '{"\\u0061":1}'],
    ["a byte order mark", "\ufeff{}"],
    ["half a surrogate pair", '"\\ud800"'],
    ["nothing", ""],
    ["two values", "{}{}"],
    ["great depth", "[".repeat(100_000) + "]".repeat(100_000)],
    ["a little too much depth", "[".repeat(40) + "]".repeat(40)],
  ])("refuses %s", (_name, text) => {
    expect(parseCanonicalJson(bytesOf(text))).toBeUndefined();
  });

  test("refuses bytes that are no UTF-8", () => {
    expect(parseCanonicalJson(Uint8Array.of(34, 0xc0, 0x80, 34))).toBeUndefined();
  });

  test("keeps keys that objects have by birth", () => {
    const text = '{"__proto__":{"x":1},"constructor":2}';
    expect(canonicalJson(parseCanonicalJson(bytesOf(text))!)).toBe(text);
  });
});

describe("base64", () => {
  test("is Node's, both ways", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = encodeBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64"));
        expect(decodeBase64(text)).toEqual(bytes);
      }),
      { seed: 3 },
    );
    const large = Uint8Array.from({ length: 50_000 }, (_, i) => i & 255);
    expect(decodeBase64(encodeBase64(large))).toEqual(large);
  });

  test.each(["A", "AA", "AAA", "AA=", "AA==AA==", "AB==", "AAB=", "AA A", "AA-_", "====", "A===", "AAAA\n", "\u{1f600}"])("refuses %j", (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});
