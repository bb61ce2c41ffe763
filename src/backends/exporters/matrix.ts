import { emptyLike, type Movable } from "../../ir/ops/elements.ts";
import type { Data, Tensor } from "../../ir/tensor.ts";

/** The tensor of a matrix with rows and columns exchanged. */
export function transposedMatrix({ type, data }: Tensor): Tensor {
  const [rows, columns] = type.shape as [number, number];
  const turned: Data = emptyLike(data, data.length);
  const [from, to]: Movable[] = [data, turned];
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) to![c * rows + r] = from![r * columns + c];
  return { type: { dtype: type.dtype, shape: [columns, rows] }, data: turned };
}
