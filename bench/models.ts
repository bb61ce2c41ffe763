import { BOOSTED, boostedTrees } from "./trees.ts";
import { tensor, type Tensor } from "../src/ir/tensor.ts";
import { float, node, value, writeOnnx, type Attribute, type NodeSpec, type ValueSpec } from "../test/fixtures/onnx-writer.ts";

/** Models with the architectures of well-known networks and seeded random weights: the same bytes on every machine. */
export const MODELS = {
  resnet8,
  "mobilenetv1-0.25": mobilenetV1,
  "ds-cnn": dsCnn,
  mobilenetv2: () => mobilenetV2(),
  resnet50,
  autoencoder,
  "bert-mini": () => bertMini(),
  "trees-a-1": () => boostedTrees(BOOSTED.a, 1),
  "trees-a-100": () => boostedTrees(BOOSTED.a, 100),
  "trees-a-1000": () => boostedTrees(BOOSTED.a, 1000),
  "trees-b-1": () => boostedTrees(BOOSTED.b, 1),
  "trees-b-100": () => boostedTrees(BOOSTED.b, 100),
  "trees-b-1000": () => boostedTrees(BOOSTED.b, 1000),
  "trees-c-1": () => boostedTrees(BOOSTED.c, 1),
  "trees-c-100": () => boostedTrees(BOOSTED.c, 100),
  "trees-c-1000": () => boostedTrees(BOOSTED.c, 1000),
} as const satisfies Readonly<Record<string, () => Uint8Array>>;

export type ModelName = keyof typeof MODELS;

/** The image classifier of MLPerf Tiny: 32x32 pictures, 10 classes, 12.5 million multiplications. */
export function resnet8(): Uint8Array {
  const net = new Net("resnet8");
  let x = net.input([1, 3, 32, 32]);
  x = net.relu(net.conv(x, 16, 3));
  x = net.relu(net.add(net.conv(net.relu(net.conv(x, 16, 3)), 16, 3), x));
  for (const channels of [32, 64]) {
    const inner = net.conv(net.relu(net.conv(x, channels, 3, { stride: 2, pads: [0, 0, 1, 1] })), channels, 3);
    x = net.relu(net.add(inner, net.conv(x, channels, 1, { stride: 2 })));
  }
  return net.finish(net.classifier(x, 10));
}

/** The person detector of MLPerf Tiny: MobileNetV1 at a quarter of its width over 96x96 pictures. */
export function mobilenetV1(): Uint8Array {
  const net = new Net("mobilenetv1");
  let x = net.relu(net.conv(net.input([1, 3, 96, 96]), 8, 3, { stride: 2, pads: [0, 0, 1, 1] }));
  const blocks = [
    [16, 1],
    [32, 2],
    [32, 1],
    [64, 2],
    [64, 1],
    [128, 2],
    [128, 1],
    [128, 1],
    [128, 1],
    [128, 1],
    [128, 1],
    [256, 2],
    [256, 1],
  ] as const;
  for (const [channels, stride] of blocks) {
    x = net.relu(net.depthwise(x, 3, stride === 1 ? {} : { stride, pads: [0, 0, 1, 1] }));
    x = net.relu(net.conv(x, channels, 1));
  }
  return net.finish(net.classifier(x, 2));
}

/** The keyword spotter of MLPerf Tiny: depthwise separable convolutions over 49x10 features. */
export function dsCnn(): Uint8Array {
  const net = new Net("ds-cnn");
  let x = net.relu(net.conv(net.input([1, 1, 49, 10]), 64, [10, 4], { stride: 2, pads: [4, 1, 5, 1] }));
  for (let i = 0; i < 4; i++) x = net.relu(net.conv(net.relu(net.depthwise(x, 3)), 64, 1));
  return net.finish(net.classifier(x, 12));
}

/** MobileNetV2 over 224x224 pictures: inverted residuals, clip(0, 6), 300 million multiplications. `open` leaves the batch to the caller, as `N`. */
export function mobilenetV2(open = false): Uint8Array {
  const net = new Net("mobilenetv2");
  let x = net.relu6(net.conv(net.input([1, 3, 224, 224], open ? ["N"] : []), 32, 3, { stride: 2 }));
  const stages = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as const;
  for (const [expansion, channels, repeats, firstStride] of stages) {
    for (let i = 0; i < repeats; i++) {
      const stride = i === 0 ? firstStride : 1;
      const wide = expansion === 1 ? x : net.relu6(net.conv(x, net.channels(x) * expansion, 1));
      const y = net.conv(net.relu6(net.depthwise(wide, 3, { stride })), channels, 1, { gain: 0.5 });
      x = stride === 1 && net.channels(x) === channels ? net.add(y, x) : y;
    }
  }
  return net.finish(net.classifier(net.relu6(net.conv(x, 1280, 1)), 1000));
}

/** ResNet-50 over 224x224 pictures, the stride in the 3x3 convolution of a block: 4.1 billion multiplications. */
export function resnet50(): Uint8Array {
  const net = new Net("resnet50");
  let x = net.maxPool(net.relu(net.conv(net.input([1, 3, 224, 224]), 64, 7, { stride: 2 })), 3, { stride: 2 });
  const stages = [
    [64, 3, 1],
    [128, 4, 2],
    [256, 6, 2],
    [512, 3, 2],
  ] as const;
  for (const [width, repeats, firstStride] of stages) {
    for (let i = 0; i < repeats; i++) {
      const stride = i === 0 ? firstStride : 1;
      const inner = net.relu(net.conv(net.relu(net.conv(x, width, 1)), width, 3, { stride }));
      const y = net.conv(inner, 4 * width, 1, { gain: 0.3 });
      x = net.relu(net.add(y, i === 0 ? net.conv(x, 4 * width, 1, { stride, gain: 0.7 }) : x));
    }
  }
  return net.finish(net.classifier(x, 1000));
}

/** The anomaly detector of MLPerf Tiny: ten fully connected layers. */
export function autoencoder(): Uint8Array {
  const net = new Net("autoencoder");
  let x = net.input([1, 640]);
  for (const width of [128, 128, 128, 128, 8, 128, 128, 128, 128]) x = net.relu(net.dense(x, width));
  return net.finish(net.dense(x, 640));
}

/** A transformer encoder: 4 layers of width 256 with 4 heads over 128 positions, written op by op as exporters do. `open` leaves the length to the caller, as `S`. */
export function bertMini(layers = 4, width = 256, heads = 4, length = 128, open = false): Uint8Array {
  const net = new Net("bert-mini");
  let x = net.input([1, length, width], open ? [undefined, "S"] : []);
  for (let i = 0; i < layers; i++) {
    const attended = net.attention(net.project(x, width), net.project(x, width), net.project(x, width), heads);
    const h = net.layerNorm(net.add(net.project(attended, width), x));
    x = net.layerNorm(net.add(net.project(net.gelu(net.project(h, 4 * width)), width), h));
  }
  return net.finish(x);
}

interface ConvOptions {
  readonly stride?: number;
  /** Before and behind each spatial axis; without it the size is kept. */
  readonly pads?: readonly number[];
  /** Factor on the size of the weights. */
  readonly gain?: number;
}

/** Writes a network layer by layer; a layer is the name of its result. */
class Net {
  private readonly name: string;
  private readonly nodes: NodeSpec[] = [];
  private readonly initializers: Record<string, Tensor> = {};
  private readonly shapes = new Map<string, readonly number[]>();
  private readonly inputs: ValueSpec[] = [];
  private names: readonly (string | undefined)[] = [];
  private seed = 12345;

  constructor(name: string) {
    this.name = name;
  }

  /** Axes that have a name are left to the caller. */
  input(shape: readonly number[], names: readonly (string | undefined)[] = []): string {
    this.names = names;
    this.inputs.push(value("input", "f32", this.named(shape)));
    this.shapes.set("input", shape);
    return "input";
  }

  channels(x: string): number {
    return this.shape(x)[1]!;
  }

  conv(x: string, channels: number, kernel: number | readonly [number, number], options: ConvOptions = {}): string {
    return this.convolution(x, channels, kernel, 1, options);
  }

  depthwise(x: string, kernel: number, options: ConvOptions = {}): string {
    return this.convolution(x, this.channels(x), kernel, this.channels(x), options);
  }

  maxPool(x: string, kernel: number, { stride = 1 }: ConvOptions = {}): string {
    const [batch, channels, ...space] = this.shape(x) as [number, number, ...number[]];
    const size = space.map((n) => Math.floor((n - 1) / stride) + 1);
    const attrs = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: Array<number>(4).fill((kernel - 1) / 2) };
    return this.add1("MaxPool", [x], [batch, channels, ...size], attrs);
  }

  relu(x: string): string {
    return this.add1("Relu", [x], this.shape(x));
  }

  relu6(x: string): string {
    return this.add1("Clip", [x, this.scalar(0), this.scalar(6)], this.shape(x));
  }

  add(a: string, b: string): string {
    return this.add1("Add", [a, b], this.shape(a));
  }

  /** Mean over the picture, then one fully connected layer. */
  classifier(x: string, classes: number): string {
    const [batch, channels] = this.shape(x) as [number, number];
    const pooled = this.add1("GlobalAveragePool", [x], [batch, channels, 1, 1]);
    return this.dense(this.add1("Flatten", [pooled], [batch, channels]), classes);
  }

  dense(x: string, width: number): string {
    const [batch, depth] = this.shape(x) as [number, number];
    const parameters = [this.weights([width, depth], depth), this.bias(width)];
    return this.add1("Gemm", [x, ...parameters], [batch, width], { transB: 1 });
  }

  /** The same fully connected layer at each position. */
  project(x: string, width: number): string {
    const [batch, length, depth] = this.shape(x) as [number, number, number];
    const product = this.add1("MatMul", [x, this.weights([depth, width], depth)], [batch, length, width]);
    return this.add1("Add", [product, this.bias(width)], [batch, length, width]);
  }

  attention(q: string, k: string, v: string, heads: number): string {
    const [batch, length, width] = this.shape(q) as [number, number, number];
    const size = width / heads;
    const split = this.constant("i64", [4], [0, 0, heads, size]);
    const apart = (x: string, perm: readonly number[]): string => {
      const rows = this.add1("Reshape", [x, split], [batch, length, heads, size]);
      return this.add1(
        "Transpose",
        [rows],
        perm.map((axis) => [batch, length, heads, size][axis]!),
        { perm },
      );
    };
    const scores = this.add1("MatMul", [apart(q, [0, 2, 1, 3]), apart(k, [0, 2, 3, 1])], [batch, heads, length, length]);
    const scaled = this.add1("Div", [scores, this.scalar(Math.sqrt(size))], [batch, heads, length, length]);
    const weights = this.add1("Softmax", [scaled], [batch, heads, length, length], { axis: -1 });
    const mixed = this.add1("MatMul", [weights, apart(v, [0, 2, 1, 3])], [batch, heads, length, size]);
    const back = this.add1("Transpose", [mixed], [batch, length, heads, size], { perm: [0, 2, 1, 3] });
    return this.add1("Reshape", [back, this.constant("i64", [3], [0, 0, width])], [batch, length, width]);
  }

  layerNorm(x: string): string {
    const width = this.shape(x).at(-1)!;
    const scale = this.constant(
      "f32",
      [width],
      this.random(width, () => 0.8 + 0.4 * this.next()),
    );
    const bias = this.constant(
      "f32",
      [width],
      this.random(width, () => 0.2 * (this.next() - 0.5)),
    );
    return this.add1("LayerNormalization", [x, scale, bias], this.shape(x), { axis: -1, epsilon: float(1e-5) });
  }

  /** x * (1 + erf(x / sqrt 2)) / 2 */
  gelu(x: string): string {
    const shape = this.shape(x);
    const error = this.add1("Erf", [this.add1("Div", [x, this.scalar(Math.SQRT2)], shape)], shape);
    const gate = this.add1("Mul", [x, this.add1("Add", [error, this.scalar(1)], shape)], shape);
    return this.add1("Mul", [gate, this.scalar(0.5)], shape);
  }

  finish(output: string): Uint8Array {
    return writeOnnx({
      name: this.name,
      nodes: this.nodes,
      inputs: this.inputs,
      outputs: [value(output, "f32", this.named(this.shape(output)))],
      initializers: this.initializers,
      opset: 17,
    });
  }

  private convolution(
    x: string,
    channels: number,
    kernel: number | readonly [number, number],
    groups: number,
    { stride = 1, pads, gain = 1 }: ConvOptions,
  ): string {
    const [batch, depth, ...space] = this.shape(x) as [number, number, ...number[]];
    const kernels = typeof kernel === "number" ? [kernel, kernel] : kernel;
    const padding = pads ?? [...kernels, ...kernels].map((k) => (k - 1) / 2);
    const size = space.map((n, i) => Math.floor((n + padding[i]! + padding[i + 2]! - kernels[i]!) / stride) + 1);
    const fan = (depth / groups) * kernels[0]! * kernels[1]!;
    const w = this.weights([channels, depth / groups, ...kernels], fan, gain);
    const attrs = { kernel_shape: kernels, strides: [stride, stride], pads: padding, group: groups };
    return this.add1("Conv", [x, w, this.bias(channels)], [batch, channels, ...size], attrs);
  }

  private add1(op: string, inputs: readonly string[], shape: readonly number[], attrs: Readonly<Record<string, Attribute>> = {}): string {
    const output = `${op.toLowerCase()}_${this.nodes.length}`;
    this.nodes.push(node(op, inputs, [output], attrs, { name: output }));
    this.shapes.set(output, shape);
    return output;
  }

  private weights(shape: readonly number[], fan: number, gain = 1): string {
    const scale = gain * Math.sqrt(6 / fan);
    return this.constant(
      "f32",
      shape,
      this.random(
        shape.reduce((n, dim) => n * dim, 1),
        () => (2 * this.next() - 1) * scale,
      ),
    );
  }

  private bias(width: number): string {
    return this.constant(
      "f32",
      [width],
      this.random(width, () => 0.2 * (this.next() - 0.5)),
    );
  }

  private scalar(number: number): string {
    return this.constant("f32", [], [number]);
  }

  private constant(dtype: "f32" | "i64", shape: readonly number[], values: ArrayLike<number>): string {
    const name = `c_${Object.keys(this.initializers).length}`;
    this.initializers[name] = tensor(dtype, shape, values);
    return name;
  }

  private random(count: number, draw: () => number): Float32Array {
    return Float32Array.from({ length: count }, draw);
  }

  /** Uniform in [0, 1): the linear congruence of Numerical Recipes. */
  private next(): number {
    this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0;
    return this.seed / 2 ** 32;
  }

  private named(shape: readonly number[]): (number | string)[] {
    return shape.map((dim, axis) => this.names[axis] ?? dim);
  }

  private shape(x: string): readonly number[] {
    return this.shapes.get(x)!;
  }
}
