import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tensorBytes, type EngineSource, type RegionFile } from "../engines/region-engine.ts";
import type { TrialRequest } from "./try-region.ts";

/** The process in which `tryRegion` runs an engine: a folder comes in, results go there. The last line of stderr are the engine's words. */

const [folder] = process.argv.slice(2) as [string];
const at = (name: string): string => join(folder, name);

try {
  const { engine, module, region } = JSON.parse(readFileSync(at("request.json"), "utf8")) as TrialRequest;
  const { nodeEngines } = (await import(module)) as { readonly nodeEngines: (env: NodeJS.ProcessEnv) => Readonly<Record<string, EngineSource>> };
  const source = nodeEngines(process.env)[engine];
  if (!source) throw new Error(`there is no engine ${engine}`);
  const opened = await source.open();
  const file: RegionFile = { ...region, bytes: readFileSync(at("region")) };
  const loaded = await opened.load(file);
  const outputs = region.outputs.map((type) => new Uint8Array(tensorBytes(type)));
  await loaded.run(
    region.inputs.map((_, i) => new Uint8Array(readFileSync(at(`input${i}`)))),
    outputs,
  );
  outputs.forEach((bytes, i) => writeFileSync(at(`output${i}`), bytes));
  // Under its name only when it is whole.
  writeFileSync(at("result.part"), JSON.stringify({ version: opened.version }));
  renameSync(at("result.part"), at("result.json"));
  process.exit(0);
} catch (error) {
  process.stderr.write(`\n${(error as Error).message.replaceAll("\n", " ")}\n`);
  process.exit(1);
}
