import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type * as KoffiModule from "koffi";
import type { OpenvinoApi, OpenvinoModel, OpenvinoTensor } from "../engines/openvino.ts";

type Koffi = typeof KoffiModule;
type Env = Readonly<Record<string, string | undefined>>;

/** Where the C library of OpenVINO is: `NEO_OPENVINO` (the file, or a folder with it), `INTEL_OPENVINO_DIR`, the folders of installers and of the loader. */
export function findOpenvino(env: Env): string | undefined {
  const roots = [env["NEO_OPENVINO"], ...(env["INTEL_OPENVINO_DIR"] ? INSTALLED.map((folder) => join(env["INTEL_OPENVINO_DIR"]!, folder)) : [])];
  const usual = ["/opt/intel/openvino", "/opt/intel/openvino_2026", "/opt/intel/openvino_2025"].flatMap((root) =>
    INSTALLED.map((folder) => join(root, folder)),
  );
  const paths = (env["LD_LIBRARY_PATH"] ?? "").split(":").filter(Boolean);
  for (const place of [...roots, ...paths, ...usual, ...LOADER]) {
    const found = place === undefined ? undefined : libraryIn(place);
    if (found) return found;
  }
  return undefined;
}

const INSTALLED = ["runtime/lib/intel64", "runtime/lib/aarch64", "runtime/bin/intel64/Release", "runtime/lib/arm64/Release"];
const LOADER = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib"];

/** With a version behind the name or without; of several the last. */
const NAME = /^(libopenvino_c\.so(\.\d+)*|libopenvino_c(\.\d+)*\.dylib|openvino_c\.dll)$/;

function libraryIn(place: string): string | undefined {
  if (!existsSync(place)) return undefined;
  if (statSync(place).isFile()) return place;
  const names = readdirSync(place).filter((name) => NAME.test(name));
  return names.length > 0 ? join(place, names.sort().at(-1)!) : undefined;
}

/** Of OpenVINO 2025 and later, in the order of `ov_element_type_e`. */
const ELEMENTS = ["dynamic", "bool", "bf16", "f16", "f32", "f64", "i4", "i8", "i16", "i32", "i64", "u1", "u2", "u3", "u4", "u6", "u8", "u16", "u32", "u64"];

/** Binds the C library. Throws in its words, or in those of the loader. */
export function openvinoApi(koffi: Koffi, path: string): OpenvinoApi {
  const calls = bind(koffi, path);
  const core = calls.address("ov_core_create");
  return {
    version: calls.version(),
    compile: (bytes, device, properties) => new Compiled(koffi, calls, calls.compile(core, bytes, device, properties)),
  };
}

/** Addresses as koffi hands them. */
type Address = bigint;
type Calls = ReturnType<typeof bind>;

function bind(koffi: Koffi, path: string) {
  const library = loadFrom(koffi, path);
  const shape = koffi.struct({ rank: "int64_t", dims: "int64_t *" });
  const version = koffi.struct({ build: "const char *", description: "const char *" });
  const func = (name: string, args: readonly (string | KoffiModule.TypeObject)[]): ((...given: unknown[]) => number) =>
    library.func(name, "int", args as string[]) as (...given: unknown[]) => number;
  const lastError = library.func("ov_get_last_err_msg", "str", []);
  const checked = (name: string, args: readonly (string | KoffiModule.TypeObject)[]): ((...given: unknown[]) => void) => {
    const call = func(name, args);
    return (...given) => {
      const status = call(...given);
      if (status !== 0) throw new Error(firstLines(lastError() as string | null) || `${name} gave status ${status}`);
    };
  };
  const pointer = "void *";
  const out = koffi.out(koffi.pointer("void *")) as unknown as string;
  const made = (name: string, args: readonly string[]): ((...given: unknown[]) => Address) => {
    const call = checked(name, [...args, out]);
    return (...given) => {
      const result: [Address | null] = [null];
      call(...given, result);
      return result[0]!;
    };
  };
  const counted = (name: string): ((object: Address) => number) => {
    const call = checked(name, [pointer, koffi.out(koffi.pointer("size_t")) as unknown as string]);
    return (object) => {
      const result: [number | bigint] = [0];
      call(object, result);
      return Number(result[0]);
    };
  };
  const free = (name: string): ((object: Address) => void) => library.func(name, "void", [pointer]) as (object: Address) => void;
  const shapeOut = koffi.out(koffi.pointer(shape)) as unknown as string;
  const getShape = func("ov_tensor_get_shape", [pointer, shapeOut]);
  const freeShape = library.func("ov_shape_free", "int", [koffi.inout(koffi.pointer(shape)) as unknown as string]);
  const getElement = checked("ov_tensor_get_element_type", [pointer, koffi.out(koffi.pointer("int")) as unknown as string]);
  const getVersion = checked("ov_get_openvino_version", [koffi.out(koffi.pointer(version)) as unknown as string]);
  const create = made("ov_core_create", []);
  const read = made("ov_core_read_model_from_memory_buffer", [pointer, "const void *", "size_t", pointer]);
  return {
    address: (_: "ov_core_create"): Address => create(),
    version(): string {
      const found = { build: "", description: "" };
      getVersion(found);
      return /\d+(\.\d+)*/.exec(found.build)?.[0] ?? "0";
    },
    /** The variadic tail of `ov_core_compile_model` is bound anew for each number of properties. */
    compile(core: Address, bytes: Uint8Array, device: string, properties: readonly (readonly [string, string])[]): Address {
      const model = read(core, bytes, bytes.length, null);
      const texts = properties.flat();
      try {
        const compiled: [Address | null] = [null];
        const call = library.func("ov_core_compile_model", "int", [pointer, pointer, "str", "size_t", out, "..."]) as (...given: unknown[]) => number;
        const status = call(core, model, device, texts.length, compiled, ...texts.flatMap((text) => ["str", text]));
        if (status !== 0) throw new Error(firstLines(lastError() as string | null) || `ov_core_compile_model gave status ${status}`);
        return compiled[0]!;
      } finally {
        freeModel(model);
      }
    },
    inputs: counted("ov_compiled_model_inputs_size"),
    outputs: counted("ov_compiled_model_outputs_size"),
    request: made("ov_compiled_model_create_infer_request", [pointer]),
    input: made("ov_infer_request_get_input_tensor_by_index", [pointer, "size_t"]),
    output: made("ov_infer_request_get_output_tensor_by_index", [pointer, "size_t"]),
    infer: checked("ov_infer_request_infer", [pointer]),
    data: made("ov_tensor_data", [pointer]),
    byteSize: counted("ov_tensor_get_byte_size"),
    element(tensor: Address): string {
      const found: [number] = [0];
      getElement(tensor, found);
      return ELEMENTS[found[0]] ?? `element type ${found[0]}`;
    },
    shape(tensor: Address): number[] {
      const found = { rank: 0, dims: null as unknown };
      // It has no form of a shape without axes, and says that the arguments are bad.
      if (getShape(tensor, found) !== 0) return [];
      const dims = koffi.decode(found.dims as never, "int64_t", Number(found.rank)) as ArrayLike<number | bigint>;
      const shape = Array.from(dims, Number);
      freeShape(found);
      return shape;
    },
    freeTensor: free("ov_tensor_free"),
    freeRequest: free("ov_infer_request_free"),
    freeCompiled: free("ov_compiled_model_free"),
  };

  function freeModel(model: Address): void {
    (library.func("ov_model_free", "void", [pointer]) as (object: Address) => void)(model);
  }
}

/** The libraries beside it are found by the run path that it was built with. */
function loadFrom(koffi: Koffi, path: string): ReturnType<Koffi["load"]> {
  try {
    return koffi.load(path);
  } catch (error) {
    throw new Error(`${dirname(path)}: ${(error as Error).message}`, { cause: error });
  }
}

/** Its messages name source files of its own; what it says follows. */
function firstLines(text: string | null): string {
  return (text ?? "")
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^(Exception|Check '|.*\.cpp:\d+:?$)/.test(line.trim()))
    .slice(0, 3)
    .join(" ")
    .slice(0, 400);
}

class Compiled implements OpenvinoModel {
  readonly inputs: number;
  readonly outputs: number;
  private readonly koffi: Koffi;
  private readonly calls: Calls;
  private readonly compiled: Address;
  private readonly request: Address;
  private readonly held: Tensor[] = [];
  private readonly known: (OpenvinoTensor | undefined)[] = [];

  constructor(koffi: Koffi, calls: Calls, compiled: Address) {
    this.koffi = koffi;
    this.calls = calls;
    this.compiled = compiled;
    this.inputs = calls.inputs(compiled);
    this.outputs = calls.outputs(compiled);
    this.request = calls.request(compiled);
  }

  input(index: number): OpenvinoTensor {
    return (this.known[index] ??= this.hold(this.calls.input(this.request, index)));
  }

  output(index: number): OpenvinoTensor {
    return (this.known[this.inputs + index] ??= this.hold(this.calls.output(this.request, index)));
  }

  infer(): void {
    this.calls.infer(this.request);
  }

  close(): void {
    for (const tensor of this.held) this.calls.freeTensor(tensor.address);
    this.calls.freeRequest(this.request);
    this.calls.freeCompiled(this.compiled);
  }

  private hold(address: Address): OpenvinoTensor {
    const tensor = new Tensor(this.koffi, this.calls, address);
    this.held.push(tensor);
    return tensor;
  }
}

/** Memory that the request keeps at its place from run to run. */
class Tensor implements OpenvinoTensor {
  readonly address: Address;
  readonly dtype: string;
  readonly shape: readonly number[];
  private readonly view: Uint8Array;

  constructor(koffi: Koffi, calls: Calls, address: Address) {
    this.address = address;
    this.dtype = calls.element(address);
    this.shape = calls.shape(address);
    this.view = new Uint8Array(koffi.view(calls.data(address) as never, calls.byteSize(address)));
  }

  read(): Uint8Array {
    return this.view;
  }

  write(bytes: Uint8Array): void {
    this.view.set(bytes);
  }
}
