import { describe, expect, test } from "vitest";
import { CellWords } from "../../src/tables/cell-words.ts";
import { CsvRows, type CsvOptions } from "../../src/tables/csv-rows.ts";
import { isLibsvm, LibsvmRows, type LibsvmOptions } from "../../src/tables/libsvm-rows.ts";
import { NpyRows } from "../../src/tables/npy-rows.ts";
import { PredictionLines } from "../../src/tables/prediction-lines.ts";
import { rowBlock, type RowReader } from "../../src/tables/row-block.ts";

const NAN = NaN;

/** All rows that come out when the bytes are fed `piece` at a time and taken in blocks of `capacity`. */
function rowsOf(reader: RowReader, bytes: Uint8Array, width: number, piece: number, capacity = 3): number[][] {
  const block = rowBlock("f64", width, capacity);
  const rows: number[][] = [];
  const take = (): void => {
    for (let row = 0; row < block.count; row++) rows.push(Array.from(block.data.subarray(row * width, (row + 1) * width)));
    block.count = 0;
  };
  for (let at = 0; at < bytes.length; at += piece) {
    reader.feed(bytes.subarray(at, at + piece));
    while (reader.fill(block)) take();
  }
  reader.finish();
  while (reader.fill(block)) take();
  take();
  return rows;
}

const csv = (text: string, names: readonly string[] | number, options: Partial<CsvOptions> = {}, piece = 7): number[][] => {
  const features = typeof names === "number" ? { count: names, names: [] } : { count: names.length, names };
  return rowsOf(new CsvRows({ file: "t.csv", features, ...options }), new TextEncoder().encode(text), features.count, piece);
};

describe("rows of a csv", () => {
  test.each([1, 2, 3, 5, 11, 1000])("come out whole from pieces of %d bytes", (piece) => {
    const text = '\ufeffb,"a",label\r\n1.5,-2,x\r\n"3"," 4 ","y, ""z""\n"\r\n\r\n,nan,1\r\n?,1e-3,\r\n-0,+7,z';
    const rows = csv(text, ["a", "b"], { drop: ["label"] }, piece);
    expect(rows).toEqual([
      [-2, 1.5],
      [4, 3],
      [NAN, NAN],
      [1e-3, NAN],
      [7, -0],
    ]);
  });

  test.each([
    ["semicolons", "1;2\n3;4\n"],
    ["tabs", "1\t2\n3\t4"],
    ["bars", "1|2\n3|4"],
    ["spaces", "1 2\n3 4"],
    ["spaces behind commas", "1, 2\n3 ,4 \n"],
  ])("are separated by %s", (_, text) => {
    expect(csv(text, 2)).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test("have a header where the first line holds names, or counts columns", () => {
    expect(csv("u,v\n1,2\n", 2)).toEqual([[1, 2]]);
    expect(csv("0,1,2\n5,6,7\n", 3)).toEqual([[5, 6, 7]]);
    expect(csv("7,8\n1,2\n", 2, { header: "yes" })).toEqual([[1, 2]]);
    expect(csv("nan,8\n1,2\n", 2)).toHaveLength(2);
    // Names that a library made are those of places, unless the header has them.
    expect(csv("u,v\n1,2\n", ["f0", "f1"])).toEqual([[1, 2]]);
    expect(csv("f1,f0\n1,2\n", ["f0", "f1"])).toEqual([[2, 1]]);
  });

  test("take words and numbers for missing, booleans, infinities", () => {
    const words = new CellWords(["-999", "unknown"]);
    expect(csv("1,-999\nUnknown,-999.0\nTRUE,False\n-inf,Infinity\n", 2, { words })).toEqual([
      [1, NAN],
      [NAN, NAN],
      [1, 0],
      [-Infinity, Infinity],
    ]);
  });

  test("hold names of categories where the model knows them", () => {
    const codes = new Map([
      ["red", 0],
      ["blue", 1],
    ]);
    const text = 'c,n\nblue,1\n"red",2\n,3\n';
    expect(csv(text, ["c", "n"], { categories: [{ codes, unknown: "refuse" }, undefined] })).toEqual([
      [1, 1],
      [0, 2],
      [NAN, 3],
    ]);
    expect(csv("c,n\ngreen,1\n", ["c", "n"], { categories: [{ codes, unknown: "missing" }, undefined] })).toEqual([[NAN, 1]]);
    expect(() => csv("c,n\nblu,1\n", ["c", "n"], { categories: [{ codes, unknown: "refuse" }, undefined] })).toThrow(
      expect.objectContaining({
        code: "NEO1060",
        message: 't.csv, line 2, column 1 (c): "blu" is no category that the model knows',
        hint: "did you mean blue?",
      }),
    );
  });

  test.each([
    ["a,b\n1,2\n3,x7\n", 't.csv, line 3, column 2 (b): "x7" is no number'],
    ["1,2\n\n3,1,5\n", "t.csv, line 3: has more than 2 cells"],
    ["1,2\n3\n", "t.csv, line 2: has 1 cells, wanted 2"],
    ['1,2\n"3\n4\n,5', 't.csv, line 2, column 1: has a " that nothing closes'],
    ['1,2\n"3"4,5\n', "t.csv, line 2, column 1: has letters behind a quoted cell"],
    ['1,2\n"\n\n",2\n1,1,5', "t.csv, line 5: has more than 2 cells"],
    ["1,2\n1;5,2\n", 't.csv, line 2, column 1: "1;5" is no number'],
    ["\n\n", "t.csv has no rows"],
    ["", "t.csv has no rows"],
  ])("tell where they are wrong: %j", (text, message) => {
    for (const piece of [1, 4, 1000]) expect(() => csv(text, 2, {}, piece)).toThrow(expect.objectContaining({ code: "NEO1060", message }));
  });

  test("name the columns that are not the model's", () => {
    expect(() => csv("age,wieght,id\n1,2,3\n", ["age", "weight", "size"])).toThrow(
      expect.objectContaining({
        code: "NEO1061",
        notes: [
          { where: "weight", text: "is missing; the table has wieght" },
          { where: "size", text: "is missing" },
          { where: "wieght", text: "is no feature of the model, which has weight" },
          { where: "id", text: "is no feature of the model" },
        ],
      }),
    );
    expect(() => csv("age,,weight\n1,2,3\n", ["age", "weight"])).toThrow(
      expect.objectContaining({ code: "NEO1061", hint: "--drop-columns 2 leaves them out" }),
    );
    expect(() => csv("age,age\n1,2\n", ["age"])).toThrow(expect.objectContaining({ notes: [{ where: "age", text: "is there twice" }] }));
    expect(() => csv("1,2,3\n", 2)).toThrow(expect.objectContaining({ code: "NEO1061" }));
    expect(() => csv("a,b\n1,2\n", 1, { drop: ["c"] })).toThrow(expect.objectContaining({ code: "NEO1061" }));
    expect(csv("1,2,3\n", 2, { drop: ["2"] })).toEqual([[1, 3]]);
  });

  test("may be long", () => {
    const width = 30_000;
    const line = Array.from({ length: width }, (_, i) => i).join(",");
    expect(csv(`${line}\n${line}\n`, width, { header: "no" }, 4096).map((row) => row[width - 1])).toEqual([width - 1, width - 1]);
  });
});

describe("rows of libsvm", () => {
  const svm = (text: string, options: Partial<LibsvmOptions> = {}, piece = 5): number[][] =>
    rowsOf(new LibsvmRows({ file: "t.svm", indexBase: 0, absent: 0, ...options }), new TextEncoder().encode(text), 3, piece);

  test.each([1, 3, 1000])("come out whole from pieces of %d bytes", (piece) => {
    const text = "# rows\n1 0:1.5 2:-2\n0:2.0 qid:7 1:nan # end\r\n\n-1\n1\t2:1e2";
    expect(svm(text, {}, piece)).toEqual([
      [1.5, 0, -2],
      [0, NAN, 0],
      [0, 0, 0],
      [0, 0, 100],
    ]);
  });

  test("leave out zeros or missing values, and count from 0 or 1", () => {
    expect(svm("1 1:5\n", { indexBase: 1, absent: NAN })).toEqual([[5, NAN, NAN]]);
    expect(svm("1 1:-1\n", { words: new CellWords(["-1"]) })).toEqual([[0, NAN, 0]]);
  });

  test.each([
    ["1 3:1\n", 't.svm, line 1: "3:1" has a feature that the model has not: its 3 are counted from 0 to 2'],
    ["1 0:1\n1 0:x\n", 't.svm, line 2: "0:x" has a value that is no number'],
    ["1 0:\n", 't.svm, line 1: "0:" has a value that is no number'],
    ["1 a:1\n", 't.svm, line 1: "a:1" is no FEATURE:VALUE'],
  ])("tell where they are wrong: %j", (text, message) => {
    expect(() => svm(text)).toThrow(expect.objectContaining({ code: "NEO1060", message }));
  });

  test("are told from csv by how they look", () => {
    expect(["1 0:1 2:3\n", "# c\n\n-1.5:2 qid:3 1:2 # x", "1 5:0.1"].map(isLibsvm)).toEqual([true, true, true]);
    expect(["1,2\n", "a b c", "1 2 3", "12:30:00,5", ""].map(isLibsvm)).toEqual([false, false, false, false, false]);
  });
});

describe("rows of npy", () => {
  const header = { end: 4, descr: "<f4", fortranOrder: false, shape: [5, 2] };
  const bytes = new Uint8Array([9, 9, 9, 9, ...new Uint8Array(Float32Array.from({ length: 10 }, (_, i) => i / 2).buffer)]);

  test.each([1, 3, 8, 1000])("come out whole from pieces of %d bytes", (piece) => {
    expect(rowsOf(new NpyRows(header, 2, "t.npy"), bytes, 2, piece).flat()).toEqual(Array.from({ length: 10 }, (_, i) => i / 2));
  });

  test("of other elements, big-endian among them", () => {
    const big = new Uint8Array([0, 1, 255, 254]);
    expect(rowsOf(new NpyRows({ end: 0, descr: ">i2", fortranOrder: false, shape: [1, 2] }, 2, "t.npy"), big, 2, 3)).toEqual([[1, -2]]);
  });

  test("are refused in another shape or order, and when they are cut", () => {
    expect(() => new NpyRows({ ...header, fortranOrder: true }, 2, "t.npy")).toThrow(expect.objectContaining({ code: "NEO1060" }));
    expect(() => new NpyRows(header, 3, "t.npy")).toThrow("t.npy has the shape (5, 2), wanted (rows, 3)");
    expect(() => new NpyRows({ ...header, descr: "<c8" }, 2, "t.npy")).toThrow('has elements "<c8"');
    expect(() => rowsOf(new NpyRows(header, 2, "t.npy"), bytes.subarray(0, 30), 2, 8)).toThrow("t.npy ends behind row 3 of 5");
  });
});

test("predictions are lines of all outputs, as short as they can be", () => {
  const lines = new PredictionLines([
    { name: "p", dtype: "f32", width: 2, labels: ["a", "b,c"], isFlat: false },
    { name: "s", dtype: "string", width: 1, isFlat: true },
    { name: "n", dtype: "i64", width: 1, isFlat: true },
    { name: "d", dtype: "f64", width: 1, isFlat: true },
  ]);
  lines.header();
  lines.rows([Float32Array.of(0.1, NaN, 2, -0, 9, 9), ['say "hi"', "é"], [2n ** 60n, -1n], [0.1, -Infinity]], 2);
  expect(new TextDecoder().decode(lines.take())).toBe('p_a,"p_b,c",s,n,d\n0.1,nan,"say ""hi""",1152921504606846976,0.1\n2,-0,é,-1,-inf\n');
});
