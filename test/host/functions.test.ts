import { describe, expect, test } from "vitest";
import { HOST_FUNCTIONS } from "../../src/host/functions.ts";
import { HostProblem, type HostAttrs, type HostTensor } from "../../src/host/host-function.ts";
import { TextTable } from "../../src/host/text-table.ts";

const texts = (...data: string[]): HostTensor => ({ dtype: "string", shape: [data.length], data });
const run = (name: string, inputs: readonly HostTensor[], attrs: HostAttrs = {}): readonly HostTensor[] => HOST_FUNCTIONS.get(name)!.run(inputs, attrs);
const data = (tensor: HostTensor | undefined): unknown[] => Array.from(tensor!.data as ArrayLike<unknown>);

describe("textSplit", () => {
  test.each([
    ["a,b,,c", ",", -1, ["a", "b", "", "c"]],
    [",", ",", -1, ["", ""]],
    ["a,b,c", ",", 1, ["a", "b,c"]],
    ["a,b", ",", 0, ["a,b"]],
    ["", ",", -1, []],
    ["a--b-c", "--", -1, ["a", "b-c"]],
    ["  a \t b\n", "", -1, ["a", "b"]],
    ["  a  b  c  ", "", 1, ["a", "b  c"]],
    ["   ", "", -1, []],
    ["  a  ", "", 0, ["a"]],
  ])("%j at %j, at most %d times", (text, delimiter, maxSplits, wanted) => {
    const [parts, counts] = run("textSplit", [texts(text)], { delimiter, maxSplits });
    expect([parts!.shape, data(parts)]).toEqual([[1, wanted.length], wanted]);
    expect(data(counts)).toEqual([BigInt(wanted.length)]);
  });
});

test("textConcat stretches shapes", () => {
  const [found] = run("textConcat", [{ dtype: "string", shape: [2, 1], data: ["a", "b"] }, texts("x", "y", "z")]);
  expect([found!.shape, data(found)]).toEqual([
    [2, 3],
    ["ax", "ay", "az", "bx", "by", "bz"],
  ]);
  expect(() => HOST_FUNCTIONS.get("textConcat")!.results([texts("a", "b"), texts("a", "b", "c")], {})).toThrowError(HostProblem);
});

test("textNormalise leaves one empty text where none is left", () => {
  const attrs = { changeCase: "lower", caseSensitive: false, stopWords: ["THE"] };
  expect(data(run("textNormalise", [texts("the", "Fox")], attrs)[0])).toEqual(["fox"]);
  expect(data(run("textNormalise", [texts("the", "The")], attrs)[0])).toEqual([""]);
  expect(data(run("textNormalise", [texts("the", "Fox")], { ...attrs, caseSensitive: true, changeCase: "upper" })[0])).toEqual(["THE", "FOX"]);
});

describe("numbers", () => {
  test.each([
    ["f32", [" 1.5 ", "-.5e2", "INF", "-Infinity", "nan", ""], [1.5, -50, Infinity, -Infinity, NaN, NaN]],
    ["i32", ["7", "-3.9", "1e3", ""], [7, -3, 1000, 0]],
    ["bool", ["0.0", "0.1", "-2", ""], [0, 1, 1, 0]],
    ["i64", ["9223372036854775807", "-9223372036854775808", "+5"], [9223372036854775807n, -9223372036854775808n, 5n]],
  ] as const)("are read as %s", (to, from, wanted) => {
    expect(data(run("textToNumber", [texts(...from)], { to })[0])).toEqual(wanted);
  });

  test.each(["x", "1 2", "0x10", "1e", "--1", "inf"])("%j is no whole number", (text) => {
    expect(() => run("textToNumber", [texts(text)], { to: "i32" })).toThrowError(HostProblem);
  });

  test("are written with the fewest digits that tell them apart", () => {
    const values = Float32Array.of(0.1, 1 / 3, 16777216, 1e-7, 1e20, -0, 3, NaN, -Infinity);
    const [found] = run("numberToText", [{ dtype: "f32", shape: [9], data: values }]);
    expect(data(found)).toEqual(["0.1", "0.33333334", "16777216", "1e-07", "1e+20", "-0", "3", "NaN", "-INF"]);
    expect(Array.from(data(found).slice(0, 7), (text) => Math.fround(Number(text)))).toEqual(Array.from(values.slice(0, 7)));
    expect(data(run("numberToText", [{ dtype: "i64", shape: [1], data: BigInt64Array.of(-(2n ** 63n)) }])[0])).toEqual(["-9223372036854775808"]);
  });
});

test("textPlaces gives first places, and the end of the list for others", () => {
  expect(data(run("textPlaces", [texts("b", "a", "z"), texts("a", "b", "a")])[0])).toEqual([1n, 0n, 3n]);
});

test("a table of texts has each once, the empty one first, and forgets those of a run", () => {
  const base = TextTable.of(["one", "two"]);
  const table = new TextTable(base);
  expect([table.place(""), table.place("two"), table.place("three"), table.place("three")]).toEqual([0, 2, 3, 3]);
  expect(table.list()).toEqual(["", "one", "two", "three"]);
  table.shorten(3);
  expect([table.length, table.text(3), table.text(-1), table.text(99), table.place("four")]).toEqual([3, "", "", "", 3]);
});
