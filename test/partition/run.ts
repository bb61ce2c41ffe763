/** 10,000 random graphs of 30 to 300 ops, any random assignment: the regions can be executed in sequence. `npm test` does the first 300. */
import { outOfSequence } from "../backends/partition/plain-cost.ts";

const GRAPHS = 10_000;
const start = performance.now();
let wrong = 0;
for (let seed = 0; seed < GRAPHS; seed++) {
  const ops = outOfSequence(seed);
  if (ops.length === 0) continue;
  wrong++;
  console.error(`graph ${seed}: ops ${ops.join(", ")} are out of sequence`);
}
console.log(`${GRAPHS} random graphs and assignments, ${wrong} out of sequence, ${((performance.now() - start) / 1000).toFixed(1)} s`);
process.exitCode = wrong > 0 ? 1 : 0;
