import type { OutputTensor } from "../session/tensors.ts";
import { clean } from "./reporter.ts";

const SHOWN = 8;
const SHOWN_TEXT = 60;

/** One or two lines about a tensor: name, type, first elements, range, and the index of the largest where it looks like scores. */
export function summarize(name: string, { dtype, shape, data }: OutputTensor): string {
  const count = data.length;
  const head = `${clean(name)}  ${[...shape, dtype].join("x")}`;
  if (count === 0) return `${head}  empty`;
  if (dtype === "string") {
    const texts = (data as readonly string[]).slice(0, SHOWN).map((text) => JSON.stringify(clean(text.slice(0, SHOWN_TEXT))));
    return `${head}  [${texts.join(", ")}${count > SHOWN ? ", …" : ""}]`;
  }
  let [min, max, sum, at, invalid] = [Infinity, -Infinity, 0, 0, 0];
  for (let i = 0; i < count; i++) {
    const x = Number(data[i]);
    if (Number.isNaN(x)) invalid++;
    if (x < min) min = x;
    if (x > max) [max, at] = [x, i];
    sum += x;
  }
  const values = Array.from(data.slice(0, SHOWN) as ArrayLike<number | bigint>, (x) => (typeof x === "bigint" ? x.toString() : format(x)));
  const stats = count > 1 ? `  min ${format(min)}, max ${format(max)} at ${at}, mean ${format(sum / count)}${invalid > 0 ? `, ${invalid} NaN` : ""}` : "";
  return `${head}  [${values.join(", ")}${count > SHOWN ? ", …" : ""}]${stats}`;
}

function format(x: number): string {
  return Number.isInteger(x) && Math.abs(x) < 1e9 ? String(x) : x.toPrecision(5);
}
