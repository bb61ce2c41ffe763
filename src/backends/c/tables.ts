import { bytesOf, nameOf, type Shape } from "./arithmetic.ts";
import { byCompiler, type Support } from "./support.ts";

/** Elements of a table held in `count` registers, by index, lane by lane: gcc and clang make permutes of short ones where the machine has them. */
export function lookup(support: Support, table: Shape, count: number, entries: number, index: Shape): string {
  const [type, indices] = [nameOf(table), nameOf(index)];
  const result = nameOf({ elem: table.elem, lanes: index.lanes });
  const params = Array.from({ length: count }, (_, i) => `${type} t${i}`);
  return support.define(`lookup${entries}of${count}_${type}`, result, [...params, `${indices} i`], () => {
    if (entries === 16 && table.lanes === 32 && support.arch === "x86_64")
      return [`return (${result})__builtin_ia32_pshufb256((${support.type("c8x32")})t0, (c8x32)i);`];
    if (entries === 16 && table.lanes === 64 && support.arch === "x86_64") {
      const chars = support.type("c8x64");
      return byCompiler(
        [`return (${result})__builtin_ia32_pshufb512_mask((${chars})t0, (${chars})i, (${chars}){0}, -1);`],
        [`return (${result})__builtin_ia32_pshufb512((${chars})t0, (${chars})i);`],
      );
    }
    const single = count === 1 && support.arch === "x86_64" ? x86Lookup(support, table, index) : undefined;
    if (single) return [`return ${single};`];
    support.type(table.elem);
    const spread = params.flatMap((_, n) => Array.from({ length: table.lanes }, (_, k) => `t${n}[${k}]`));
    return [
      `const ${table.elem} t[${spread.length}] = {${spread.join(", ")}};`,
      `${result} r = {0};`,
      `for (int k = 0; k < ${index.lanes}; k++) r[k] = t[i[k]];`,
      "return r;",
    ];
  });
}

function x86Lookup(support: Support, table: Shape, index: Shape): string | undefined {
  const type = nameOf(table);
  const bytes = bytesOf(table);
  if (bytes === 32 && table.lanes === 8) {
    return table.elem === "f32" ? "__builtin_ia32_permvarsf256(t0, i)" : `(${type})__builtin_ia32_permvarsi256(t0, i)`;
  }
  if (bytes === 16 && index.lanes === 16) return `(${type})__builtin_ia32_pshufb128((${support.type("c8x16")})t0, (c8x16)i)`;
  return undefined;
}

/** acc + a[2i] * b[2i] + a[2i+1] * b[2i+1] over 16-bit elements, exact in 32 bits. */
export function dotOfPairs(support: Support, acc: Shape, factor: Shape): string {
  const [sum, type] = [nameOf(acc), nameOf(factor)];
  return support.define(`dot2_${sum}`, sum, [`${sum} acc`, `${type} a`, `${type} b`], () => {
    const bytes = bytesOf(acc);
    if (support.arch === "x86_64" && bytes === 64)
      return byCompiler(
        [`return acc + (${sum})__builtin_ia32_pmaddwd512_mask(a, b, (${sum}){0}, -1);`],
        [`return acc + (${sum})__builtin_ia32_pmaddwd512(a, b);`],
      );
    if (support.arch === "x86_64" && (bytes === 16 || bytes === 32)) return [`return acc + (${sum})__builtin_ia32_pmaddwd${bytes * 8}(a, b);`];
    return strided(acc, 2);
  });
}

/** acc + the sum of four products of bytes, exact in 32 bits. */
export function dotOfBytes(support: Support, acc: Shape, a: Shape, b: Shape): string {
  const sum = nameOf(acc);
  return support.define(`dot4_${sum}_${nameOf(a)}_${nameOf(b)}`, sum, [`${sum} acc`, `${nameOf(a)} a`, `${nameOf(b)} b`], () => strided(acc, 4));
}

/** Takes every `step`-th element of both factors, widens, multiplies and adds. */
function strided(acc: Shape, step: number): string[] {
  const pick = (name: string, phase: number): string =>
    `__builtin_convertvector(__builtin_shufflevector(${name}, ${name}, ${Array.from({ length: acc.lanes }, (_, i) => i * step + phase).join(", ")}), ${nameOf(acc)})`;
  return [...Array.from({ length: step }, (_, phase) => `acc += ${pick("a", phase)} * ${pick("b", phase)};`), "return acc;"];
}
