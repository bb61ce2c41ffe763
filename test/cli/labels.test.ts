import { expect, test } from "vitest";
import { ENVELOPES } from "../../src/cli/schemas.ts";
import { floats, node, value, writeOnnx } from "../fixtures/onnx-writer.ts";
import { neo, testFolder } from "./run-neo.ts";

test("compile warns of words that become places, and inspect shows their list", async () => {
  const attrs = { coefficients: floats(1, 0, 0, 1), intercepts: floats(0, 0), classlabels_strings: ["low", "hi\u001bgh"] };
  const model = writeOnnx({
    nodes: [node("LinearClassifier", ["x"], ["label", "scores"], attrs, { domain: "ai.onnx.ml" })],
    inputs: [value("x", "f32", [3, 2])],
    outputs: [value("label", "string")],
    opsets: [{ version: 17 }, { domain: "ai.onnx.ml", version: 3 }],
  });
  const folder = testFolder({ "m.onnx": model });
  const here = (args: string) => neo(args.split(" "), { cwd: folder.path });
  const compiled = await here("compile m.onnx -t wasm --no-sign -o m.neo");
  expect(compiled.code, compiled.stderr).toBe(0);
  expect(compiled.stderr).toBe("warning: label gives places in a list instead of strings; the list is low, hi\\u001bgh\n");
  expect((await here("inspect m.neo")).stdout).toContain("\nlabels of label: low, hi\\u001bgh\n");
  const document: unknown = JSON.parse((await here("inspect m.neo --json")).stdout);
  expect(ENVELOPES.get("inspect")!.safeParse(document).error?.issues).toBeUndefined();
  expect(document).toMatchObject({ result: { outputs: [{ name: "label", labels: ["low", "hi\u001bgh"] }] } });
});
