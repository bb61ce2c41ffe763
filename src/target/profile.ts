/** An accelerator beside the processor, and how this one differs from what its record says. */
export interface AcceleratorChoice {
  readonly name: string;
  /** Microseconds, and bytes or multiply-accumulates a microsecond; those that are left out are the record's. */
  readonly costs?: {
    readonly launchUs?: number;
    readonly opUs?: number;
    readonly macsPerUs?: Readonly<Record<string, number>>;
    readonly bytesPerUs?: number;
    readonly transferUs?: number;
    readonly inBytesPerUs?: number;
    readonly outBytesPerUs?: number;
    readonly layoutBytesPerUs?: number;
  };
  readonly limits?: { readonly regions?: number; readonly opsPerRegion?: number; readonly weightBytes?: number; readonly minMacs?: number };
  /** Handed to its engine. */
  readonly options?: Readonly<Record<string, string>>;
}

/** What a processor is, as facts. Nothing tests `name`; schedules and printers read features. */
export interface TargetProfile {
  readonly name: string;
  readonly summary: string;
  /** Code kind. */
  readonly kind: "native" | "wasm";
  readonly os: "linux" | "android" | "windows" | "macos" | "ios" | "none" | "any";
  readonly arch: "x86_64" | "aarch64" | "armv7" | "riscv64" | "wasm32";
  /** Bytes of a vector register that kernels use; 4 means scalar code. */
  readonly vectorBytes: number;
  readonly registers: number;
  /** "yes": three-operand FMA; "lane": FMA by lane (NEON); "no": multiply and add. */
  readonly fma: "yes" | "lane" | "no";
  /** How the compiler behind orders loads within a block. */
  readonly pressure: "order" | "hoist";
  /** Channels of a block in image layouts; 0 means channels-last (all channels, padded to lanes). */
  readonly imageBlock: number;
  /** Candidate register tiles: [mr pixels, nv vectors], best first. */
  readonly tiles: readonly (readonly [number, number])[];
  readonly unrollK: number;
  readonly prefetch: boolean;
  readonly fmaPerCycle: number;
  readonly loadsPerCycle: number;
  readonly l1Bytes: number;
  readonly l2Bytes: number;
  readonly cores: number;
  /** Features the machine must have to run the code, e.g. "avx2", "fma", "neon", "simd128". */
  readonly cpuFeatures: readonly string[];
  /** What may run parts of a model beside it, best first; absent: nothing does. */
  readonly accelerators?: readonly AcceleratorChoice[];
  /** For kind native: how the C compiler is called. */
  readonly toolchain?: {
    readonly triple: string;
    readonly flags: readonly string[];
    /** Extra flags by compiler family. */
    readonly gcc?: readonly string[];
    readonly clang?: readonly string[];
    /** Extension of the linked object: "so", "dll", "dylib". */
    readonly extension: string;
  };
}

/** f32 lanes of a vector. */
export function lanesOf(target: TargetProfile): number {
  return target.vectorBytes / 4;
}
