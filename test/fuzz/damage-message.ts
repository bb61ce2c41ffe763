/**
 * Damage that keeps the frame of a protobuf message: fields of any depth go, come twice, change places, and get other numbers and
 * bytes, and every length round them still fits. What it makes gets past the reader, to what looks at the contents.
 */
type Pick = (n: number) => number;

interface Field {
  number: number;
  readonly wire: number;
  /** A varint as it stands, or what a length counts, or 4 or 8 bytes. */
  bytes: Uint8Array;
}

const NUMBERS = [0n, 1n, 2n, 3n, 7n, 127n, 128n, 255n, 65536n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

/** One change in one message, or the bytes as they are where they are no message. `others` lend their fields. */
export function damageMessage(bytes: Uint8Array, others: readonly Uint8Array[], pick: Pick): Uint8Array {
  const fields = fieldsOf(bytes);
  if (!fields || fields.length === 0) return bytes;
  const at = pick(fields.length);
  const field = fields[at]!;
  const inner = field.wire === 2 ? fieldsOf(field.bytes) : undefined;
  if (inner && inner.length > 0 && pick(8) > 0) {
    field.bytes = damageMessage(field.bytes, others, pick);
    return encoded(fields);
  }
  switch (pick(6)) {
    case 0:
      fields.splice(at, 1);
      break;
    case 1:
      fields.splice(pick(fields.length), 0, { ...field });
      break;
    case 2:
      fields.splice(pick(fields.length), 0, ...fields.splice(at, 1));
      break;
    case 3:
      field.number = 1 + pick(24);
      break;
    case 4: {
      const lent = anyField(others[pick(others.length)]!, pick);
      if (lent) fields[at] = { ...lent, number: pick(2) ? field.number : lent.number };
      break;
    }
    default:
      field.bytes = field.wire === 2 ? damagedBytes(field.bytes, pick) : field.wire === 0 ? varint(NUMBERS[pick(NUMBERS.length)]!) : flipped(field.bytes, pick);
  }
  return encoded(fields);
}

function damagedBytes(bytes: Uint8Array, pick: Pick): Uint8Array {
  switch (pick(5)) {
    case 0:
      return new Uint8Array();
    case 1:
      return bytes.slice(0, pick(bytes.length + 1));
    case 2:
      return Uint8Array.from([...bytes, ...bytes.subarray(0, 1 + pick(8))]);
    case 3:
      return varint(NUMBERS[pick(NUMBERS.length)]!);
    default:
      return flipped(bytes, pick);
  }
}

function flipped(bytes: Uint8Array, pick: Pick): Uint8Array {
  const copy = bytes.slice();
  if (copy.length > 0) copy[pick(copy.length)]! ^= 1 << pick(8);
  return copy;
}

/** A field from some depth of a message. */
function anyField(bytes: Uint8Array, pick: Pick): Field | undefined {
  const fields = fieldsOf(bytes);
  const field = fields?.[pick(fields.length || 1)];
  if (!field || field.wire !== 2 || pick(3) === 0) return field;
  return anyField(field.bytes, pick) ?? field;
}

/** The fields of a message; undefined where the bytes are none. */
function fieldsOf(bytes: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length;) {
    const key = readVarint(bytes, at);
    if (!key || key.value < 8n || key.value > 2n ** 20n) return undefined;
    const [number, wire] = [Number(key.value >> 3n), Number(key.value & 7n)];
    let end: number;
    let start = key.end;
    if (wire === 0) end = readVarint(bytes, start)?.end ?? Infinity;
    else if (wire === 1 || wire === 5) end = start + (wire === 1 ? 8 : 4);
    else {
      const length = wire === 2 ? readVarint(bytes, start) : undefined;
      if (!length) return undefined;
      start = length.end;
      end = start + Number(length.value);
    }
    if (end > bytes.length) return undefined;
    fields.push({ number, wire, bytes: bytes.slice(start, end) });
    at = end;
  }
  return fields;
}

function readVarint(bytes: Uint8Array, at: number): { readonly value: bigint; readonly end: number } | undefined {
  let value = 0n;
  for (let i = 0; i < 10 && at + i < bytes.length; i++) {
    value |= BigInt(bytes[at + i]! & 127) << BigInt(7 * i);
    if (bytes[at + i]! < 128) return { value, end: at + i + 1 };
  }
  return undefined;
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

function encoded(fields: readonly Field[]): Uint8Array {
  const parts = fields.flatMap(({ number, wire, bytes }) => [varint(BigInt(number * 8 + wire)), ...(wire === 2 ? [varint(BigInt(bytes.length))] : []), bytes]);
  const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
