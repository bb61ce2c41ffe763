import { expect, test } from "vitest";
import { singleFromText } from "../../src/frontends/formats/decimal.ts";
import { readJson } from "../../src/frontends/formats/json.ts";
import { readUbjson } from "../../src/frontends/formats/ubjson.ts";
import { seededRandom } from "../../src/support/random.ts";
import { DEFAULT_LIMITS } from "../../src/support/limits.ts";
import { expectRefused, noteTexts } from "./onnx/refused.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string, depth = 64): unknown => plain(readJson(bytes(text), "m.json", { ...DEFAULT_LIMITS, depth }));

function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...(value as Map<string, unknown>)].map(([key, inner]) => [key, plain(inner)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

test("what JSON.parse reads is read alike", () => {
  const random = seededRandom(5);
  const pick = (n: number): number => Math.floor(random() * n);
  const make = (depth: number): unknown => {
    switch (pick(depth > 4 ? 5 : 7)) {
      case 0:
        return (random() - 0.5) * 10 ** (pick(40) - 20);
      case 1:
        return pick(1e9) - 5e8;
      case 2:
        return [true, false, null][pick(3)];
      case 3:
        return 'a "quoted" \\ line\n\u2028 \u00e9 \u{1f600} \u0001'.slice(pick(20));
      case 4:
        return "";
      case 5:
        return Array.from({ length: pick(5) }, () => make(depth + 1));
      default:
        return Object.fromEntries(Array.from({ length: pick(5) }, (_, i) => [`key ${i} "`, make(depth + 1)]));
    }
  };
  for (let i = 0; i < 300; i++) {
    const value = make(0);
    expect(read(JSON.stringify(value))).toEqual(value);
    expect(read(JSON.stringify(value, null, "\t\r\n "))).toEqual(value);
  }
});

test("bare NaN and infinities are numbers, and stay letters inside a text", () => {
  expect(read('{"a": [NaN, -Infinity, Infinity, nan], "b": "NaN, Infinity"}')).toEqual({ a: [NaN, -Infinity, Infinity, NaN], b: "NaN, Infinity" });
});

test("keys that objects have already are keys like others", () => {
  const value = readJson(bytes('{"__proto__": {"x": 1}, "constructor": 2}'), "m.json", DEFAULT_LIMITS) as Map<string, unknown>;
  expect([...value.keys()]).toEqual(["__proto__", "constructor"]);
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

test("what is no JSON is refused with its byte", () => {
  const notes = (text: string): string => noteTexts(expectRefused("NEO2030", () => read(text)))[0]!;
  expect(notes("[1, 2")).toBe("byte 5: wanted a comma or ]");
  expect(notes('{"a" 1}')).toBe("byte 5: wanted a colon");
  expect(notes('{"a": "b')).toBe("byte 6: the text does not end");
  expect(notes("[1, two]")).toBe('byte 4: "two" is no value');
  expect(notes("[1] 2")).toBe("byte 4: the document ends, and more follows");
  expect(notes('["\\x"]')).toBe("byte 2: the text has the escape \\x");
  for (const text of ["", "[", "[1,]", "{,}", '{"a":1,}', "-", "1e", "0x10", "{1:2}", '"\\']) expectRefused("NEO2030", () => read(text));
});

test("depth is what the limit says, however deep", () => {
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  expect(() => read(nested(65))).not.toThrow();
  expectRefused("NEO7002", () => read(nested(100_000)));
  expect(() => read(nested(100_000), 200_000)).toThrow();
  expect(() => readJson(bytes(nested(100_000)), "m", { ...DEFAULT_LIMITS, depth: 200_000 })).not.toThrow();
});

test("decimals become the nearest f32, not the nearest of the nearest double", () => {
  const middle = 1 + 2 ** -24;
  expect(Math.fround(singleFromText("1.000000059604644775390625"))).toBe(1);
  expect(Math.fround(singleFromText("1.00000005960464477539062500001"))).toBe(Math.fround(1 + 2 ** -23));
  expect(Math.fround(singleFromText("-1.00000005960464477539062500001"))).toBe(-Math.fround(1 + 2 ** -23));
  expect(Math.fround(singleFromText("1.00000017881393432617187499999"))).toBe(Math.fround(1 + 2 ** -23));
  expect(Math.fround(singleFromText("3.4028235677973366e38"))).toBe((2 - 2 ** -23) * 2 ** 127);
  expect(Number("1.00000005960464477539062500001")).toBe(middle);
  for (const text of ["0", "-0", "5E-1", "1e400", "3.5e38", "1e-46", "16777217", "1.17549429e-38"])
    expect(Math.fround(singleFromText(text))).toBe(Math.fround(Number(text)));
});

test("UBJSON: marks of all kinds, and what is none", () => {
  const ubjson = (...parts: readonly (string | number)[]): Uint8Array =>
    Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : Array.from(part, (letter) => letter.charCodeAt(0)))));
  const value = (file: Uint8Array): unknown => readUbjson(file, "m.ubj", DEFAULT_LIMITS);
  expect(value(ubjson("[NTFZi", 255, "U", 255, "I", 255, 254, "l", 0, 1, 0, 0, "L", 0, 0, 0, 0, 0, 0, 0, 7, "d", 0x3f, 0x80, 0, 0, "CxSi", 2, "ab]"))).toEqual([
    true,
    false,
    null,
    -1,
    255,
    -2,
    65536,
    7,
    1,
    "x",
    "ab",
  ]);
  expect(value(ubjson("[$I#i", 2, 1, 0, 255, 255))).toEqual(Int16Array.of(256, -1));
  expect(value(ubjson("[$U#i", 2, 1, 255))).toEqual(Uint8Array.of(1, 255));
  const bad = [
    ubjson("{x"),
    ubjson("[$q#i", 1, 1),
    ubjson("[#i", 200),
    ubjson("[$dx"),
    ubjson("Si", 255),
    ubjson("L", 127, 255, 255, 255, 255, 255, 255, 255),
    ubjson("TT"),
  ];
  for (const file of bad) expectRefused("NEO2030", () => value(file));
});

test("numbers are the doubles nearest to their decimals, however they are spelled", () => {
  const random = seededRandom(5);
  const digits = (n: number): string => Array.from({ length: n }, () => Math.floor(10 * random())).join("");
  const texts = Array.from({ length: 20_000 }, () => {
    const whole = digits(1 + Math.floor(8 * random()));
    const fraction = random() < 0.8 ? `.${digits(Math.floor(12 * random()))}` : "";
    const power = random() < 0.7 ? `${random() < 0.5 ? "E" : "e"}${["", "-", "+"][Math.floor(3 * random())]}${Math.floor(30 * random())}` : "";
    return `${random() < 0.5 ? "-" : ""}${whole}${fraction}${power}`;
  }).concat("-0", "0", "0E0", "-0.0", "1.", "5E-1", "1E22", "1E-22", "123456789012345E22", "9007199254740993", "1E400", "0.1E-300");
  const bytes = new TextEncoder().encode(`[${texts.join(",")}]`);
  const read = readJson(bytes, "n.json", DEFAULT_LIMITS) as number[];
  texts.forEach((text, i) => expect(Object.is(read[i], Number(text)), `${text} is ${read[i]}`).toBe(true));
  const singles = readJson(bytes, "n.json", DEFAULT_LIMITS, singleFromText) as number[];
  texts.forEach((text, i) => expect(Object.is(Math.fround(singles[i]!), Math.fround(singleFromText(text))), text).toBe(true));
});
