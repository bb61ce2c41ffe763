import { expect, test } from "vitest";
import { checkProfile } from "../../src/target/profile-schema.ts";
import { targetByName } from "../../src/target-by-name.ts";

async function findingsOf(accelerators: unknown): Promise<string[]> {
  const checked = checkProfile({ ...(await targetByName("x86-64-v3")), accelerators });
  return "profile" in checked ? [] : checked.findings.map(({ where, text }) => `${where}: ${text}`);
}

test("a profile may name accelerators, and what is different about its own", async () => {
  const costs = { launchUs: 0, macsPerUs: { f32: 1e5, i8: 2e5 } };
  expect(await findingsOf([{ name: "onnxruntime", costs, limits: { regions: 1 }, options: { threads: "1" } }, { name: "openvino" }])).toEqual([]);
});

test.each<[unknown, string[]]>([
  ["onnxruntime", ['$.accelerators: found "onnxruntime", wanted a list of objects with a name']],
  [["onnxruntime"], ['$.accelerators[0]: found "onnxruntime", wanted an object with a name']],
  [[{ name: "" }], ['$.accelerators[0].name: found "", wanted a non-empty string']],
  [[{ name: "a", speed: 1 }], ["$.accelerators[0].speed: found 1, wanted one of name, costs, limits, options"]],
  [[{ name: "a", costs: { launchUs: -1 } }], ["$.accelerators[0].costs.launchUs: found -1, wanted a number, 0 or more"]],
  [[{ name: "a", costs: { macsPerUs: { f32: 0 } } }], ["$.accelerators[0].costs.macsPerUs.f32: found 0, wanted a number above 0"]],
  [[{ name: "a", limits: { cores: 1 } }], ["$.accelerators[0].limits.cores: found 1, wanted one of regions, opsPerRegion, weightBytes, minMacs"]],
  [[{ name: "a", options: { threads: 1 } }], ['$.accelerators[0].options: found {"threads":1}, wanted texts by name']],
])("says what is wrong with %j", async (accelerators, wanted) => {
  expect(await findingsOf(accelerators)).toEqual(wanted);
});
