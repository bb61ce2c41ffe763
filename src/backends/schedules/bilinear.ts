import { I32, type KernelBuilder, type Term } from "../../kernel/build.ts";

/** A pixel of a plane: its address, and what it weighs. */
export interface Corner {
  readonly at: Term;
  readonly weight: Term;
}

interface PlaneSize {
  readonly height: number;
  readonly width: number;
}

/** A float inside 0 … count - 1, whole, as an index. */
function indexOf(b: KernelBuilder, value: Term, count: number): Term {
  const c = (n: number): Term => b.constant(value.type, n);
  const inside = b.let("x", b.pmin(b.pmax(c(0), value), c(count - 1)));
  const isDouble = "elem" in value.type && value.type.elem === "f64";
  const index = isDouble ? b.op("convert", I32, [inside]) : b.op("truncToInt", I32, [inside]);
  return b.let("i", b.pmin(b.pmax(index, b.constant(I32, 0)), b.constant(I32, count - 1)));
}

/** The four pixels round a place of a plane, clamped into it, with weights that are 0 outside where `zeroOutside`. */
export function cornersOf(b: KernelBuilder, row: Term, column: Term, { height, width }: PlaneSize, zeroOutside: boolean): Corner[] {
  const c = (n: number): Term => b.constant(row.type, n);
  const axis = (place: Term, count: number): { readonly index: Term; readonly weight: Term }[] => {
    const first = b.let("x", b.op("floor", place.type, [place]));
    const ratio = b.let("x", b.sub(place, first));
    return [b.let("w", b.sub(c(1), ratio)), ratio].map((weight, i) => {
      const pixel = b.let("x", b.add(first, c(i)));
      const inside = b.op("and", { mask: 1 }, [b.compare("ge", pixel, c(0)), b.compare("lt", pixel, c(count))]);
      return { index: indexOf(b, pixel, count), weight: zeroOutside ? b.let("w", b.select(inside, weight, c(0))) : weight };
    });
  };
  const columns = axis(column, width);
  return axis(row, height).flatMap((r) =>
    columns.map((q): Corner => ({ at: b.let("a", b.add(b.mul(r.index, b.constant(I32, width)), q.index)), weight: b.let("w", b.mul(r.weight, q.weight)) })),
  );
}
