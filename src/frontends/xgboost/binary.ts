import { NeoError } from "../../support/errors.ts";
import { checkLimit, type Limits } from "../../support/limits.ts";
import { evenRounds } from "./document.ts";
import type { LinearBooster, TreeBooster, XgboostModel, XgboostTree } from "./model.ts";

const LEARNER_BYTES = 136;
const MODEL_BYTES = 160;
const TREE_BYTES = 148;
const NODE_BYTES = 20;
const STAT_BYTES = 16;
const LINEAR_BYTES = 136;
const MOST_GROUPS = 1 << 20;

/** A file of XGBoost 0.72 to 3.0 in the old binary form, which begins at `start`. Throws NEO2030 with the byte. */
export function readBinary(bytes: Uint8Array, file: string, limits: Limits): XgboostModel {
  checkLimit("fileBytes", limits, file, "bytes of the file:", bytes.length);
  const reader = new BinaryReader(bytes, file);
  const start = reader.skip(LEARNER_BYTES, "the parameters of the learner");
  const { view } = reader;
  const [features, classes, targets] = [view.getUint32(start + 4, true), view.getInt32(start + 8, true), view.getUint32(start + 28, true)];
  const hasAttributes = view.getInt32(start + 12, true) !== 0;
  const version = [view.getUint32(start + 20, true), view.getUint32(start + 24, true), 0] as const;
  if (classes < 0 || classes > MOST_GROUPS || targets > MOST_GROUPS) return reader.fail(`${classes} classes and ${targets} targets`, start);
  const groups = Math.max(1, classes, targets);
  const objective = reader.text("the name of the objective");
  const booster = boosterOf(reader, reader.text("the name of the booster"), features, groups);
  return {
    version,
    objective,
    features,
    featureNames: [],
    featureTypes: [],
    groups,
    classes,
    baseScore: [view.getFloat32(start, true)],
    attributes: hasAttributes ? attributesOf(reader, limits) : new Map(),
    booster,
  };
}

/** Whether a file begins as one in this form does: parameters, then two names. */
export function looksBinary(bytes: Uint8Array): boolean {
  if (bytes.length < LEARNER_BYTES + 16) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(LEARNER_BYTES, true));
  const second = LEARNER_BYTES + 8 + length;
  if (length < 1 || length > 64 || second + 8 > bytes.length) return false;
  const next = Number(view.getBigUint64(second, true));
  if (next < 1 || next > 64 || second + 8 + next > bytes.length) return false;
  const word = (at: number, count: number): string => String.fromCharCode(...bytes.subarray(at, at + count));
  return /^[a-zA-Z][\w:.-]*$/.test(word(LEARNER_BYTES + 8, length)) && /^(gbtree|gblinear|dart)$/.test(word(second + 8, next));
}

function boosterOf(reader: BinaryReader, name: string, features: number, groups: number): TreeBooster | LinearBooster {
  if (name === "gbtree" || name === "dart") return treesOf(reader, name, groups);
  if (name !== "gblinear") return reader.fail(`the booster is "${name.slice(0, 40)}", wanted gbtree, dart or gblinear`);
  reader.skip(LINEAR_BYTES, "the parameters of the linear model");
  const count = reader.count(4, "weights");
  const at = reader.skip(count * 4, "the weights");
  const wanted = (features + 1) * groups;
  if (count !== wanted) return reader.fail(`there are ${count} weights, wanted ${wanted} for ${features} features and ${groups} groups`, at);
  return { kind: "gblinear", weights: Float32Array.from({ length: count }, (_, i) => reader.view.getFloat32(at + i * 4, true)) };
}

function treesOf(reader: BinaryReader, kind: "gbtree" | "dart", groups: number): TreeBooster {
  const { view } = reader;
  const at = reader.skip(MODEL_BYTES, "the parameters of the trees");
  const [count, parallel] = [view.getInt32(at, true), view.getInt32(at + 4, true)];
  if (count < 0 || count * (TREE_BYTES + NODE_BYTES + STAT_BYTES) > reader.left) return reader.fail(`${count} trees do not fit the file`, at);
  const trees = Array.from({ length: count }, (_, i) => treeOf(reader, i));
  const info = reader.skip(count * 4, "the groups of the trees");
  const treeGroups = Int32Array.from({ length: count }, (_, i) => view.getInt32(info + i * 4, true));
  return {
    kind,
    trees,
    treeGroups,
    rounds: evenRounds(count, groups * Math.max(1, parallel)),
    treeWeights: kind === "dart" ? weightsOf(reader, count) : undefined,
  };
}

function weightsOf(reader: BinaryReader, trees: number): Float32Array {
  if (trees === 0) return new Float32Array(0);
  const count = reader.count(4, "weights of trees");
  const at = reader.skip(count * 4, "the weights of the trees");
  if (count !== trees) return reader.fail(`there are ${count} weights for ${trees} trees`, at);
  return Float32Array.from({ length: count }, (_, i) => reader.view.getFloat32(at + i * 4, true));
}

function treeOf(reader: BinaryReader, index: number): XgboostTree {
  const { view } = reader;
  const head = reader.skip(TREE_BYTES, `the parameters of tree ${index}`);
  const nodes = view.getInt32(head + 4, true);
  if (nodes < 1 || nodes * (NODE_BYTES + STAT_BYTES) > reader.left) return reader.fail(`tree ${index} has ${nodes} nodes, which do not fit the file`, head);
  const at = reader.skip(nodes * NODE_BYTES, `the nodes of tree ${index}`);
  const statistics = reader.skip(nodes * STAT_BYTES, `the statistics of tree ${index}`);
  const [left, right, feature] = [new Int32Array(nodes), new Int32Array(nodes), new Int32Array(nodes)];
  const [threshold, defaultLeft] = [new Float32Array(nodes), new Uint8Array(nodes)];
  for (let n = 0; n < nodes; n++) {
    const place = at + n * NODE_BYTES;
    left[n] = view.getInt32(place + 4, true);
    right[n] = view.getInt32(place + 8, true);
    const split = view.getUint32(place + 12, true);
    feature[n] = split & 0x7fffffff;
    defaultLeft[n] = split >>> 31;
    threshold[n] = view.getFloat32(place + 16, true);
  }
  const covers = (): Float32Array => Float32Array.from({ length: nodes }, (_, n) => view.getFloat32(statistics + n * STAT_BYTES + 4, true));
  return { left, right, feature, threshold, defaultLeft, categories: new Map(), covers, leafVector: undefined };
}

function attributesOf(reader: BinaryReader, limits: Limits): ReadonlyMap<string, string> {
  const count = reader.count(16, "attributes");
  checkLimit("parts", limits, reader.file, "attributes:", count);
  return new Map(Array.from({ length: count }, () => [reader.text("the name of an attribute"), reader.text("an attribute")] as const));
}

class BinaryReader {
  readonly view: DataView;
  readonly file: string;
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array, file: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.file = file;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Where the next `count` bytes begin; they are behind us then. */
  skip(count: number, what: string): number {
    if (count > this.left) return this.fail(`${what} take ${count} bytes, ${this.left} are left`);
    this.at += count;
    return this.at - count;
  }

  /** A number of things of `width` bytes at least. */
  count(width: number, what: string): number {
    const at = this.skip(8, `the number of ${what}`);
    const count = this.view.getBigUint64(at, true);
    return count * BigInt(width) <= BigInt(this.left) ? Number(count) : this.fail(`${count} ${what} do not fit the file`, at);
  }

  text(what: string): string {
    const length = this.count(1, `letters of ${what}`);
    const at = this.skip(length, what);
    return new TextDecoder().decode(this.bytes.subarray(at, at + length));
  }

  fail(text: string, at = this.at): never {
    throw new NeoError({
      code: "NEO2030",
      message: `${this.file} is not a readable XGBoost model of the old binary form`,
      notes: [{ where: `byte ${at}`, text: text.replace(/[^\x20-\x7e]/g, "\ufffd") }],
      hint: "load it with XGBoost 1.0 to 3.0 and save it as JSON",
      file: this.file,
    });
  }
}
