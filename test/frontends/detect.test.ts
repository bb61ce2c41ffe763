import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { detectFormat, type Format } from "../../src/frontends/detect.ts";
import { describeModel, FRONTENDS, importModel } from "../../src/frontends/index.ts";
import { hasImporter, supportedOperators } from "../../src/frontends/onnx/ops/index.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";
import { expectRefused } from "./onnx/refused.ts";

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const onnx = writeOnnx({ nodes: [node("Exp", ["x"], ["y"])], inputs: [value("x", "f32", [2])], outputs: [value("y", "f32")] });

const STARTS: Readonly<Record<Format, Uint8Array>> = {
  onnx,
  nir: text("// of a dump\n\ngraph @main() -> () {"),
  tflite: new Uint8Array([28, 0, 0, 0, ...text("TFL3"), 0, 0]),
  hdf5: new Uint8Array([0x89, ...text("HDF\r\n\x1a\n")]),
  zip: text("PK\x03\x04rest"),
  torch: new Uint8Array([0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46]),
  json: text('\n { "learner": {} }'),
  xgboost: text("binf...."),
  lightgbm: text("tree\nversion=v4"),
  catboost: text('{"features_info": {}, "model_info": {}}'),
  pickle: new Uint8Array([0x80, 4, 0x8c, 1, 0x61, 0x2e]),
  cbm: text("CBM1...."),
  mxnet: new Uint8Array([0x12, 1, 0, 0, 0, 0, 0, 0, 0]),
  safetensors: new Uint8Array([64, 0, 0, 0, 0, 0, 0, 0, ...text('{"a":1}')]),
  darknet: text("# a comment\n\n[net]\nbatch=1"),
};

for (const [format, bytes] of Object.entries(STARTS)) {
  test(`${format} is told by its content`, () => expect(detectFormat(bytes)).toBe(format));
}

test("an ONNX file cut short is still one, and says where it ends", () => {
  expectRefused("NEO2001", () => importModel(onnx.subarray(0, onnx.length - 3), { fileName: "m.onnx" }));
});

test("what is no model is refused with its first bytes", () => {
  for (const bytes of [new Uint8Array(0), text("hello world"), new Uint8Array(100).fill(0xff)]) expect(detectFormat(bytes)).toBeUndefined();
  const error = expectRefused("NEO2000", () => importModel(text("hello world"), { fileName: "a.txt" }));
  expect(error.notes[0]!.text).toBe("begins with 68 65 6c 6c 6f 20 77 6f");
  expect(expectRefused("NEO2000", () => describeModel(new Uint8Array(0), "empty")).notes[0]!.text).toBe("the file is empty");
});

test("a model of a known format without an importer is called by its name", () => {
  expect(expectRefused("NEO2000", () => importModel(STARTS.tflite, { fileName: "m.tflite" })).message).toBe(
    "m.tflite is a TensorFlow Lite model, which has no importer yet",
  );
  expect(expectRefused("NEO2000", () => importModel(STARTS.cbm, { fileName: "m.cbm" })).message).toMatch(/binary form.*format="json"/);
});

test("JSON of other things is called by its name, with what to do about it", () => {
  const refused = (words: string): string => {
    const error = expectRefused("NEO2000", () => importModel(text(words), { fileName: "m.json" }));
    return `${error.message}; ${error.hint}`;
  };
  expect(refused('[{"nodeid": 0, "split_condition": 1}]')).toMatch(/is a dump of XGBoost's trees.*save_model/);
  expect(refused('{"format": "layers-model", "modelTopology": {}}')).toMatch(/is a TensorFlow.js model/);
  expect(refused('{"a": 1}')).toBe("m.json is a JSON file, which has no importer yet; models are read from: onnx, xgboost, lightgbm, catboost, nir");
});

test("frontends are listed with their operators", () => {
  expect(FRONTENDS.map((frontend) => frontend.name)).toEqual(["onnx", "xgboost", "lightgbm", "catboost", "nir"]);
  const operators = supportedOperators();
  expect(operators.find((operator) => operator.name === "Gelu")).toEqual({ domain: "", name: "Gelu", since: 20 });
  expect(operators.find((operator) => operator.name === "QLinearAdd")).toEqual({ domain: "com.microsoft", name: "QLinearAdd", since: 1 });
  expect(operators.length).toBeGreaterThan(180);
  expect(operators.every(({ domain, name }) => hasImporter(domain, name))).toBe(true);
});

test("every table of operators is in the list", async () => {
  const listed = supportedOperators().map((operator) => operator.name);
  for (const file of readdirSync(new URL("../../src/frontends/onnx/ops/", import.meta.url))) {
    const module = (await import(`../../src/frontends/onnx/ops/${file}`)) as Record<string, unknown>;
    for (const [name, table] of Object.entries(module)) {
      if (!/^[A-Z0-9_]+$/.test(name) || typeof table !== "object" || Array.isArray(table)) continue;
      for (const operator of Object.keys(table as object)) expect(listed, `${name} of ${file}`).toContain(operator);
    }
  }
});
