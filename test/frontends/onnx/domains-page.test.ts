import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { supportedOperators } from "../../../src/frontends/onnx/ops/index.ts";

const page = readFileSync(new URL("../../../docs/onnx-domains.md", import.meta.url), "utf8");

for (const domain of ["ai.onnx.ml", "com.microsoft"]) {
  test(`the page has a row for each operator of ${domain}, in order, and no other`, () => {
    const section = page.split(`## ${domain}\n`)[1]!.split("\n## ")[0]!;
    const rows = [...section.matchAll(/^\| (\w+) \|/gm)].map((match) => match[1]).filter((name) => name !== "operator");
    const wanted = supportedOperators().filter((operator) => operator.domain === domain);
    expect(rows).toEqual(wanted.map((operator) => operator.name));
  });
}
