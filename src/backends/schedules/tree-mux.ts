import { vector, type KernelBuilder, type Term } from "../../kernel/build.ts";

/**
 * Which leaf of a complete tree each row of a block comes to, by bits: plane d has the row's step at depth d, 1 for right. `load(n)`
 * gives the steps that rows would take at place n of the heap; each is asked for once. Bits near the root are decided first, so that
 * what selects stays in registers.
 */
export function treePlanes(b: KernelBuilder, depth: number, words: number, load: (place: number) => Term): Term[] {
  const type = vector("i64", words);
  const planes: Term[] = [];
  const chosen = (level: number, place: number, width: number): Term => {
    if (level === 0) return load(place);
    const left = chosen(level - 1, place, 2 * width);
    const right = chosen(level - 1, place + width, 2 * width);
    return b.let("m", b.op("mux", type, [planes[level - 1]!, left, right]));
  };
  for (let d = 0; d < depth; d++) planes.push(b.let("p", chosen(d, 2 ** d, 1)));
  return planes;
}
