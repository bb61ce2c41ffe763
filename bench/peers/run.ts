/**
 * Times networks against all CPU peers that are installed, in turns in one process on one core, and writes a part of
 * bench/RESULTS.md. Peers are optional: those that are not there are left out.
 *
 *   npm ci --prefix bench --ignore-scripts && bench/peers/install.sh
 *   npx tsx bench/peers/run.ts [--models resnet8,resnet8-int8] [--seconds 10] [--clock wall|cpu] [--write]
 *   npx tsx bench/peers/run.ts --corpus ../shared/corpus [--write]
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MODELS, type ModelName } from "../models.ts";
import { writeResults } from "../results.ts";
import { corpusFiles } from "./corpus.ts";
import { convert, keepModel, timeFolder, type Outcome } from "./job.ts";
import { corpusTable, peerTable } from "./tables.ts";

const { values } = parseArgs({
  options: { models: { type: "string" }, seconds: { type: "string" }, corpus: { type: "string" }, clock: { type: "string" }, write: { type: "boolean" } },
});
const FLOAT = ["autoencoder", "ds-cnn", "resnet8", "mobilenetv1-0.25", "mobilenetv2", "resnet50", "bert-mini"] as const;
const INT8 = ["autoencoder", "ds-cnn", "resnet8", "mobilenetv1-0.25"] as const;
const PEERS = ["neo", "ONNX Runtime", "OpenVINO", "LiteRT", "ncnn", "MNN"];
const clock = values.clock ?? "wall";
const names = values.models?.split(",") ?? [...FLOAT, ...INT8.map((name) => `${name}-int8`)];

const outcomes: Outcome[] = [];
const attempt = async (label: string, measure: () => Promise<Outcome>): Promise<void> => {
  try {
    outcomes.push(await measure());
    console.error(`${label}: done`);
  } catch (error) {
    console.error(`${label}: left out: ${String(error).slice(0, 300)}`);
  }
};
if (values.corpus) {
  for (const { label, bytes } of corpusFiles(values.corpus))
    await attempt(label, () =>
      timeFolder(label, keepModel(`corpus-${label}`, bytes), { contenders: PEERS.slice(0, 2), clock, seconds: Number(values.seconds ?? 2) }),
    );
} else {
  for (const name of names) await attempt(name, () => measure(name));
}

const text = values.corpus ? corpusTable(outcomes) : peerTable(outcomes);
console.log(text);
if (values.write) writeResults(values.corpus ? "corpus" : "peers", text);

async function measure(name: string): Promise<Outcome> {
  const base = name.replace(/-int8$/, "") as ModelName;
  if (!(base in MODELS)) throw new Error(`there is no model ${name}`);
  const source = keepModel(base, MODELS[base]());
  const folder = name === base ? source : `${source}.int8`;
  if (name !== base) convert(folder, "--quantise", source);
  else convert(folder);
  if (!existsSync(join(folder, "model.onnx"))) throw new Error("the model could not be quantised");
  return timeFolder(name, folder, { contenders: PEERS, clock, seconds: Number(values.seconds ?? 10) });
}
