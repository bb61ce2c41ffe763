/** Bytes of one element at the border of a program. 4-bit elements have a byte each there, in the low bits; a string is its place among texts. */
const BYTES: Readonly<Record<string, number | undefined>> = Object.assign(Object.create(null) as Record<string, number>, {
  f64: 8,
  i64: 8,
  u64: 8,
  f32: 4,
  i32: 4,
  u32: 4,
  f16: 2,
  bf16: 2,
  i16: 2,
  u16: 2,
  i8: 1,
  u8: 1,
  i4: 1,
  u4: 1,
  bool: 1,
  string: 4,
});

/** Undefined for a word that is no dtype of a port. */
export function dtypeBytes(dtype: string): number | undefined {
  return BYTES[dtype];
}
