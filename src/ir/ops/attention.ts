import { bool, float, int } from "../attr.ts";
import { broadcastShapes, shapeText } from "../broadcast.ts";
import { defineOp } from "../op-def.ts";
import { elementCount, equalShapes, tensorType } from "../types.ts";
import { broadcastTable, toDoubles } from "./elements.ts";
import { expect, expectDtype, expectFloat, expectRank, knownExtent } from "./expect.ts";

export const attention = defineOp({
  name: "attention",
  summary:
    "softmax(softcap(scale * q * transpose(k)) + mask) * v for q[B,H,S,D], k[B,Hkv,T,D], v[B,Hkv,T,Dv]; H/Hkv heads share a key. " +
    "Causal: query i sees keys up to i + offset. What sees no key is 0. A bool mask lets through where it is true.",
  operands: ["q", "k", "v", "mask?"],
  attrs: {
    /** 0 is 1 / sqrt(D). */
    scale: float(0),
    causal: bool(false),
    /** Keys in front of those that belong to the queries: the length of a cache. */
    offset: int(0),
    /** 0 is none, else logits become softcap * tanh(logits / softcap), before the mask. */
    softcap: float(0),
  },
  samples: [
    { q: "2x3x4x5xf32", k: "2x3x6x5xf32", v: "2x3x6x2xf32" },
    { q: "1x4x3x2xf32", k: "1x2x5x2xf32", v: "1x2x5x2xf32", mask: "1x1x3x5xf32", attrs: { scale: 0.5, softcap: 2 } },
    { q: "2x2x4x3xf32", k: "2x2x4x3xf32", v: "2x2x4x3xf32", attrs: { causal: true } },
    { q: "1x2x2x3xf32", k: "1x1x5x3xf32", v: "1x1x5x4xf32", mask: "2x5xbool", attrs: { causal: true, offset: 3 } },
  ],
  infer({ q, k, v, mask }) {
    for (const [name, type] of [
      ["q", q],
      ["k", k],
      ["v", v],
    ] as const) {
      expectRank("attention", name, type, 4);
      expectFloat("attention", name, type);
      expectDtype("attention", name, type, q.dtype);
      expect(
        equalShapes(type.shape.slice(0, 1), q.shape.slice(0, 1)),
        () => `q is ${shapeText(q.shape)} and ${name} is ${shapeText(type.shape)}, attention wants one batch`,
      );
    }
    const [heads, shared] = [knownExtent("attention", "q", q.shape[1]), knownExtent("attention", "k", k.shape[1])];
    expect(
      shared > 0 && heads % shared === 0 && v.shape[1] === shared,
      () => `q has ${heads} heads, k ${shared} and v ${shapeText(v.shape.slice(1, 2))}, attention wants q's to be a multiple of k's and v's`,
    );
    expect(
      equalShapes(k.shape.slice(3), q.shape.slice(3)),
      () => `q is ${shapeText(q.shape)} and k is ${shapeText(k.shape)}, attention wants one length of rows`,
    );
    expect(
      equalShapes(k.shape.slice(2, 3), v.shape.slice(2, 3)),
      () => `k is ${shapeText(k.shape)} and v is ${shapeText(v.shape)}, attention wants as many keys as values`,
    );
    if (mask) {
      expectDtype("attention", "mask", mask, q.dtype, "bool");
      const logits = [...q.shape.slice(0, 3), k.shape[2]!];
      expect(
        equalShapes(broadcastShapes(mask.shape, logits), logits),
        () => `mask is ${shapeText(mask.shape)}, attention wants it to broadcast to ${shapeText(logits)}`,
      );
    }
    return tensorType(q.dtype, [...q.shape.slice(0, 3), v.shape[3]!]);
  },
  evaluate({ q, k, v, mask }, attrs, result, types) {
    const [batch, heads, queries, width] = types.q.shape as [number, number, number, number];
    const [shared, keys, depth] = [types.k.shape[1]!, types.k.shape[2]!, types.v.shape[3]!];
    const [queryData, keyData, valueData] = [toDoubles(q), toDoubles(k), toDoubles(v)];
    const bias = mask && types.mask ? additive(toDoubles(mask), types.mask.dtype === "bool") : undefined;
    const biasAt = types.mask && broadcastTable(types.mask.shape, [batch, heads, queries, keys]);
    const scale = attrs.scale || 1 / Math.sqrt(width);
    const y = new Float64Array(elementCount(result.shape));
    const line = new Float64Array(keys);
    for (let row = 0; row < batch * heads * queries; row++) {
      const head = Math.floor(row / queries);
      const source = Math.floor(head / heads) * shared + Math.floor((head % heads) / (heads / shared));
      const last = attrs.causal ? (row % queries) + attrs.offset : keys;
      for (let t = 0; t < keys; t++) {
        let dot = 0;
        for (let d = 0; d < width; d++) dot += queryData[row * width + d]! * keyData[(source * keys + t) * width + d]!;
        const logit = attrs.softcap > 0 ? attrs.softcap * Math.tanh((dot * scale) / attrs.softcap) : dot * scale;
        const shift = bias && biasAt ? bias[biasAt[row * keys + t]!]! : 0;
        // Not a sum where it is masked: a logit of +inf would make NaN of it.
        line[t] = t > last || shift === -Infinity ? -Infinity : logit + shift;
      }
      const top = line.reduce((a, b) => Math.max(a, b), -Infinity);
      if (top === -Infinity) continue;
      let total = 0;
      for (let t = 0; t < keys; t++) total += line[t] = Math.exp(line[t]! - top);
      for (let t = 0; t < keys; t++) {
        const weight = line[t]! / total;
        for (let d = 0; weight !== 0 && d < depth; d++) y[row * depth + d]! += weight * valueData[(source * keys + t) * depth + d]!;
      }
    }
    return y;
  },
  macs: ({ q, k, v }) => elementCount(q.shape.slice(0, 3)) * k.shape[2]! * (q.shape[3]! + v.shape[3]!),
});

function additive(mask: Float64Array, isBool: boolean): Float64Array {
  return isBool ? mask.map((through) => (through ? 0 : -Infinity)) : mask;
}
