import { f16Bits, tensor, type Data } from "../ir/tensor.ts";
import { elementCount, type DType } from "../ir/types.ts";
import type { Elem } from "../kernel/kernel.ts";
import { isPlain, type Layout } from "./layout.ts";

type Store = Float64Array | Float32Array | BigInt64Array | Int32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

const STORES = {
  f64: Float64Array,
  f32: Float32Array,
  i64: BigInt64Array,
  i32: Int32Array,
  i16: Int16Array,
  u16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
} as const;

/** A zeroed array of storage elements. */
export function storeFor(elem: Elem, size: number): Store {
  return new STORES[elem](size);
}

/** One number as the arena stores it in a tensor of `dtype`. */
export function storedNumber(value: number, dtype: DType): number | bigint {
  return storeData(tensor(dtype, [1], [value]).data, dtype)[0]!;
}

/** Elements as the arena stores them: f16 and bf16 as their bits, everything else as it is. */
export function storeData(data: Data, dtype: DType): ArrayLike<number | bigint> {
  if (dtype === "f16") return Uint16Array.from(data as Float32Array, f16Bits);
  if (dtype === "bf16") {
    const values = data as Float32Array;
    return Uint16Array.from(new Uint32Array(values.buffer, values.byteOffset, values.length), (bits) => bits >>> 16);
  }
  if (dtype === "u64") return new BigInt64Array((data as BigUint64Array).buffer, (data as BigUint64Array).byteOffset, data.length);
  return data as ArrayLike<number | bigint>;
}

/** A constant laid out in a buffer of `layout.size` elements; what is not an element is `fill`. */
export function arrange(data: Data, dtype: DType, layout: Layout): Store {
  const from = storeData(data, dtype);
  const to = storeFor(layout.elem, layout.size) as { [i: number]: number | bigint; length: number; fill(x: never): unknown };
  if (isPlain(layout)) {
    for (let i = 0; i < from.length; i++) to[i] = from[i]!;
    return to as unknown as Store;
  }
  if (layout.fill !== 0) to.fill(layout.fill as never);
  const { shape, strides, block } = layout;
  const index = new Array<number>(shape.length).fill(0);
  const count = elementCount(shape);
  for (let i = 0; i < count; i++) {
    let address = layout.offset;
    for (let a = 0; a < index.length; a++) {
      address += block?.axis === a ? Math.floor(index[a]! / block.size) * block.stride + (index[a]! % block.size) * strides[a]! : index[a]! * strides[a]!;
    }
    to[address] = from[i]!;
    for (let a = index.length - 1; a >= 0 && ++index[a]! === shape[a]; a--) index[a] = 0;
  }
  return to as unknown as Store;
}
