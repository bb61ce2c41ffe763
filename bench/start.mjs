// How long `neo` takes to start beside bare Node: 20 runs of each, interleaved, so that a busy moment meets all three.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const RUNS = 20;
const bin = fileURLToPath(new URL("../bin/neo.js", import.meta.url));
const commands = { "node -e 0": ["-e", "0"], "neo --version": [bin, "--version"], "neo --help": [bin, "--help"] };

const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
for (let run = 0; run < RUNS; run++) {
  for (const [name, args] of Object.entries(commands)) {
    const start = performance.now();
    const { status } = spawnSync(process.execPath, args);
    if (status !== 0) throw new Error(`${name} ended with ${status}: is dist/ built? (npm run build)`);
    times[name].push(performance.now() - start);
  }
}

const median = (all) => {
  const sorted = all.toSorted((a, b) => a - b);
  return (sorted[RUNS / 2 - 1] + sorted[RUNS / 2]) / 2;
};
const bare = median(times["node -e 0"]);
console.log(`node ${process.version}, ${RUNS} runs each, medians`);
for (const name of Object.keys(commands)) {
  const ms = median(times[name]);
  console.log(`${name.padEnd(14)} ${ms.toFixed(0).padStart(5)} ms${name === "node -e 0" ? "" : `  +${(ms - bare).toFixed(0)} ms`}`);
}
