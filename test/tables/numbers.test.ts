import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DecimalScanner } from "../../src/tables/decimal-scanner.ts";
import { writeSingle } from "../../src/tables/write-single.ts";

const scanner = new DecimalScanner();
const scan = (text: string): [value: number, end: number] => {
  const value = scanner.scan(new TextEncoder().encode(`${text},`), 0);
  return [value, scanner.end];
};

describe("a decimal number is read as the nearest double", () => {
  test("however it is written", () => {
    const digits = (max: number) => fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: max });
    const text = fc
      .tuple(
        fc.constantFrom("", "-", "+"),
        digits(24),
        fc.option(digits(24), { nil: undefined }),
        fc.option(fc.integer({ min: -340, max: 310 }), { nil: undefined }),
      )
      .filter(([, whole, fraction]) => whole !== "" || (fraction ?? "") !== "")
      .map(([sign, whole, fraction, power]) => `${sign}${whole}${fraction === undefined ? "" : `.${fraction}`}${power === undefined ? "" : `e${power}`}`);
    fc.assert(
      fc.property(text, (written) => {
        expect(scan(written)).toEqual([Number(written), written.length]);
      }),
      { numRuns: 20_000 },
    );
  });

  test("also as JavaScript and Python print it", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(scan(String(x))[0]).toBe(Number(String(x)));
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    "9007199254740993",
    "9007199254740992.999999999999999999",
    "2.2250738585072011e-308",
    "1e400",
    "0.1e-400",
    "123456789012345678",
    "1E-5",
    "5.",
    ".5",
  ])("%s", (text) => {
    expect(scan(text)).toEqual([Number(text), text.length]);
  });

  test("and ends where no digit can follow", () => {
    expect(scan("12abc")).toEqual([12, 2]);
    expect(scan("1e")).toEqual([1, 1]);
    expect(scan("1e+x")).toEqual([1, 1]);
    expect(scan("1.5.5")).toEqual([1.5, 3]);
  });

  test.each(["", "-", ".", "abc", "-.", "e5"])("%j is none", (text) => {
    expect(scan(text)).toEqual([NaN, 0]);
  });
});

describe("an f32 is written as the shortest decimal that is read back as it", () => {
  const bytes = new Uint8Array(64);
  const print = (x: number): string => new TextDecoder().decode(bytes.subarray(0, writeSingle(bytes, 0, x)));
  const shortest = (x: number): string => {
    for (let digits = 1; ; digits++) if (Math.fround(Number(x.toPrecision(digits))) === x) return String(Number(x.toPrecision(digits)));
  };

  test("whatever its bits", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(print(x)).toBe(Object.is(x, -0) ? "-0" : shortest(x));
      }),
      { numRuns: 50_000 },
    );
  });

  test("in plain form where that is short", () => {
    const values = [0, -0, 1, -1.5, 0.1, 1e-6, 1e-7, 1e20, 1e21, 16_777_216, 3e9, 1.401298464324817e-45, 3.4028234663852886e38, NaN, Infinity, -Infinity];
    const texts = ["0", "-0", "1", "-1.5", "0.1", "0.000001", "1e-7", "100000000000000000000", "1e+21", "16777216", "3000000000", "1e-45", "3.4028235e+38"];
    expect(values.map((x) => print(Math.fround(x)))).toEqual([...texts, "nan", "inf", "-inf"]);
  });
});
