import { nodeCrypto } from "../../src/support/node/crypto.ts";
import { add, BASE, encodePoint, IDENTITY, joined, L, littleEndian, mod, multiply, P, recoverX, signWith, toInteger, type Point } from "./ed25519-reference.ts";

/** One signature and whether it must be taken. Classes are those of C2SP Wycheproof's Ed25519 file, and two of our own. */
export interface SignatureVector {
  readonly group: string;
  readonly comment: string;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly valid: boolean;
}

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1);
const PUBLIC: Uint8Array = nodeCrypto.publicKeyOf(SECRET);
const MESSAGE: Uint8Array = new TextEncoder().encode("a bundle");
const SIGNATURE = nodeCrypto.sign(SECRET, MESSAGE);
const R = SIGNATURE.subarray(0, 32);
const S = toInteger(SIGNATURE.subarray(32));
/** A secret scalar and a nonce without a seed behind them: only their points count. */
const SCALAR = mod(toInteger(SECRET), L);
const NONCE = mod(toInteger(PUBLIC), L);

/** Vectors of every class, the same each time. */
export function signatureVectors(): SignatureVector[] {
  return [
    ...valid(),
    ...known(),
    ...extreme(),
    ...specialValues(),
    ...lengths(),
    ...compressed(),
    ...encodings(),
    ...malleable(),
    ...aboveTheBound(),
    ...smallOrder(),
    ...torsion(),
  ];
}

function vector(group: string, comment: string, signature: Uint8Array, isValid: boolean, publicKey = PUBLIC, message = MESSAGE): SignatureVector {
  return { group, comment, publicKey, message, signature, valid: isValid };
}

function valid(): SignatureVector[] {
  return [0, 1, 2, 31, 32, 33, 63, 64, 65, 111, 112, 127, 128, 129, 255, 256, 1023, 4096].map((length) => {
    const message: Uint8Array = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 255);
    return vector("Valid", `message of ${length} bytes`, nodeCrypto.sign(SECRET, message), true, PUBLIC, message);
  });
}

/** RFC 8032, 7.1, tests 1 to 3. */
function known(): SignatureVector[] {
  const rows = [
    [
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
  ] as const;
  return rows.map(([publicKey, message, signature], i) =>
    vector("Ktv", `RFC 8032 test ${i + 1}`, fromHex(signature), true, fromHex(publicKey), fromHex(message)),
  );
}

/** Good signatures whose scalars and points are at the ends of their ranges, where carries of bad arithmetic get lost. */
function extreme(): SignatureVector[] {
  const scalars = [1n, 2n, 8n, L - 1n, L - 2n, 2n ** 252n, 2n ** 252n - 1n, 2n ** 128n - 1n, 2n ** 251n + 2n ** 26n - 1n, SCALAR];
  return scalars.flatMap((secret, i) =>
    [1n, L - 1n, 2n ** 252n - 1n, NONCE].map((nonce, j) => {
      const { publicKey, signature } = signWith(secret, nonce, MESSAGE);
      return vector("TinkOverflow", `scalar ${i}, nonce ${j}`, signature, true, publicKey);
    }),
  );
}

function specialValues(): SignatureVector[] {
  const values = [0n, 1n, L - 1n, L, L + 1n, P - 1n, P, P + 1n, 2n ** 255n - 1n, 2n ** 256n - 1n];
  return values.flatMap((r) =>
    [0n, 1n, L - 1n, L, 2n ** 256n - 1n].map((s) => vector("InvalidSignature", `R = ${r}, S = ${s}`, joined(littleEndian(r), littleEndian(s)), false)),
  );
}

function lengths(): SignatureVector[] {
  const zero = new Uint8Array(1);
  return [
    ...[0, 1, 31, 32, 33, 62, 63].map((length) => vector("TruncatedSignature", `${length} bytes`, SIGNATURE.slice(0, length), false)),
    vector("SignatureWithGarbage", "a zero behind", joined(SIGNATURE, zero), false),
    vector("SignatureWithGarbage", "a zero before", joined(zero, SIGNATURE), false),
    vector("SignatureWithGarbage", "a zero between R and S", joined(R, zero, SIGNATURE.subarray(32)), false),
    vector("SignatureWithGarbage", "the public key inside", joined(R, PUBLIC, SIGNATURE.subarray(32)), false),
    vector("SignatureWithGarbage", "twice", joined(SIGNATURE, SIGNATURE), false),
  ];
}

/** Signatures that hold a zero byte, without it. The numbers were found by trying one after another. */
function compressed(): SignatureVector[] {
  return (
    [
      [0, 318],
      [31, 807],
      [32, 260],
      [62, 156],
    ] as const
  ).map(([at, n]) => {
    const message = new TextEncoder().encode(`${at} ${n}`);
    const signature = nodeCrypto.sign(SECRET, message);
    if (signature[at] !== 0) throw new Error(`message ${n} has no zero at ${at}`);
    return vector("CompressedSignature", `no zero at ${at}`, joined(signature.subarray(0, at), signature.subarray(at + 1)), false, PUBLIC, message);
  });
}

/** R in another encoding, S made to fit it: only who compares R incompletely takes these. */
function encodings(): SignatureVector[] {
  const good = encodePoint(multiply(NONCE, BASE));
  const withR = (comment: string, encoded: Uint8Array): SignatureVector => {
    const { publicKey, signature } = signWith(SCALAR, NONCE, MESSAGE, encoded);
    return vector("InvalidEncoding", comment, signature, false, publicKey);
  };
  const flipped = [0, 1, 2, 7, 8, 16, 31, 32, 63, 64, 97, 127, 128, 240, 247, 248, 253, 254, 255].map((bit) => {
    const encoded = good.slice();
    encoded[bit >> 3]! ^= 1 << (bit & 7);
    return withR(`bit ${bit} of R`, encoded);
  });
  // y and y + P name one point, where y + P still fits into 255 bits.
  const lenient = [3n, 4n, 5n, 6n, 9n, 10n, 14n, 15n, 16n, 18n]
    .filter((y) => recoverX(y, 0n) !== undefined)
    .flatMap((y) => [
      withR(`R encoded as ${y} + P`, littleEndian(y + P)),
      vector("InvalidEncoding", `public key encoded as ${y} + P`, SIGNATURE, false, littleEndian(y + P)),
    ]);
  const signOfZero = littleEndian(1n | (1n << 255n));
  return [
    ...flipped,
    ...lenient,
    withR("R = 0", new Uint8Array(32)),
    withR("R = all ones", new Uint8Array(32).fill(255)),
    withR("R of y = 1 with the sign of x", signOfZero),
  ];
}

function malleable(): SignatureVector[] {
  const shifted = [1n, 2n, 3n, 4n, 7n, 8n, 15n].map((k) => ({ comment: `S + ${k} L`, s: S + k * L }));
  const others = [253n, 254n, 255n].map((bit) => ({ comment: `S + 2^${bit}`, s: S + 2n ** bit }));
  return [...shifted, ...others, { comment: "S + P", s: S + P }, { comment: "L - S", s: L - S }]
    .filter(({ s }) => s < 2n ** 256n)
    .map(({ comment, s }) => vector("SignatureMalleability", comment, joined(R, littleEndian(s)), false));
}

/** S + L whose upper bytes are those of L: a check of the first byte or two finds nothing. The numbers were found by trying. */
function aboveTheBound(): SignatureVector[] {
  return (
    [
      [244n, 7],
      [240n, 13706],
    ] as const
  ).map(([bits, n]) => {
    const message = new TextEncoder().encode(`${bits} ${n}`);
    const signature = nodeCrypto.sign(SECRET, message);
    const s = toInteger(signature.subarray(32));
    if (s >> bits !== 0n) throw new Error(`the S of message ${n} is not below 2^${bits}`);
    return vector("InvalidKtv", `S above L by less than 2^${bits}`, joined(signature.subarray(0, 32), littleEndian(s + L)), false, PUBLIC, message);
  });
}

/** Keys and R without a secret: of these a signature says nothing. Engines differ here, the wrapper refuses them all. */
function smallOrder(): SignatureVector[] {
  return smallOrderPoints().flatMap((point, i) => {
    const encoded = encodePoint(point);
    const asR = signWith(SCALAR, 0n, MESSAGE, encoded);
    return [
      vector("SmallOrder", `public key ${i}`, joined(encodePoint(IDENTITY), new Uint8Array(32)), false, encoded),
      vector("SmallOrder", `public key and R ${i}`, joined(encoded, new Uint8Array(32)), false, encoded),
      vector("SmallOrder", `R ${i}`, asR.signature, false, asR.publicKey),
    ];
  });
}

/** R with a part of small order: eight times the equation holds, the equation itself does not. */
function torsion(): SignatureVector[] {
  return smallOrderPoints()
    .filter(({ y }) => y !== 1n)
    .map((point, i) => {
      const { publicKey, signature } = signWith(SCALAR, NONCE, MESSAGE, encodePoint(add(multiply(NONCE, BASE), point)));
      return vector("Cofactor", `R + small ${i}`, signature, false, publicKey);
    });
}

/** The eight points whose order divides 8: L times a point of full order 8 L, and its multiples. */
export function smallOrderPoints(): Point[] {
  for (let y = 2n; ; y++) {
    const x = recoverX(y, 0n);
    const point = x === undefined ? undefined : multiply(L, { x, y });
    if (point && multiply(4n, point).y !== 1n) return Array.from({ length: 8 }, (_, k) => multiply(BigInt(k), point));
  }
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
