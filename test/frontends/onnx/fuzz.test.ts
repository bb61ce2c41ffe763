import { expect, test } from "vitest";
import { importModel, describeModel } from "../../../src/frontends/index.ts";
import { NeoError } from "../../../src/support/errors.ts";
import { CONTROL_MODELS } from "../../fixtures/control-models.ts";
import { writeOnnx } from "../../fixtures/onnx-writer.ts";
import { CASES } from "./cases.ts";
import { mutate, random } from "./mutate.ts";
import { makeModel } from "./one-node.ts";

/** `FUZZ_SECONDS=60 npx vitest run test/frontends/onnx/fuzz` looks longer; a failure names the seed that repeats it. */
const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? 3);
const FIRST_SEED = Number(process.env["FUZZ_SEED"] ?? 1);

const seeds = [
  ...Object.values(CASES)
    .flat()
    .map((spec) => makeModel(spec).bytes),
  ...CONTROL_MODELS.map(({ spec }) => writeOnnx(spec)),
];

test("whatever is done to a file, it is imported or refused", { timeout: (SECONDS + 30) * 1000 }, () => {
  const end = performance.now() + SECONDS * 1000;
  let seed = FIRST_SEED;
  for (; performance.now() < end; seed++) {
    const next = random(seed);
    const bytes = mutate(seeds[Math.floor(next() * seeds.length)]!, seeds, next);
    const start = performance.now();
    for (const read of [() => importModel(bytes, { fileName: "fuzz.onnx" }), () => describeModel(bytes, "fuzz.onnx")]) {
      try {
        read();
      } catch (error) {
        if (!(error instanceof NeoError)) throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
        expect(error.code, `seed ${seed}`).toMatch(/^NEO(2|7)\d{3}$/);
      }
    }
    const ms = performance.now() - start;
    if (ms > 10_000) throw new Error(`seed ${seed} took ${ms} ms`);
  }
});
