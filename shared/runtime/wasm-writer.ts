// Writes a small WebAssembly module: the instructions that our kernel needs, as functions that return
// their bytes, so that the kernel reads as expressions. A compiler for one function of thirty lines
// would be a larger dependency than this. Format: WebAssembly core specification 2.0, section 5.

/** Bytes of a module or of a part of it. */
export type Code = readonly number[]

export const valueTypes = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const
export type ValueType = keyof typeof valueTypes

export interface WasmFunction {
  /** Given where the module shows it; the others are for its own calls, by their place. */
  readonly name?: string
  readonly parameters: readonly ValueType[]
  readonly result?: ValueType
  /** Further variables, which start at zero; numbered after the parameters. */
  readonly locals: readonly ValueType[]
  readonly body: Code
}

export const get = (local: number): Code => [0x20, local]
export const set = (local: number, value: Code): Code => [...value, 0x21, local]
export const call = (place: number, ...inputs: readonly Code[]): Code => [
  ...inputs.flat(),
  0x10,
  place
]
export const whole = (value: number): Code => [0x41, ...signed(value)]
export const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a]
export const times = (a: Code, b: Code): Code => [...a, ...b, 0x6c]
export const and = (a: Code, b: Code): Code => [...a, ...b, 0x71]
export const isBelow = (a: Code, b: Code): Code => [...a, ...b, 0x49] // unsigned
export const loadWhole = (at: Code): Code => [...at, 0x28, 2, 0]

export const loadFloat = (at: Code): Code => [...at, 0x2a, 2, 0]
export const storeFloat = (at: Code, value: Code): Code => [...at, ...value, 0x38, 2, 0]
export const addFloats = (a: Code, b: Code): Code => [...a, ...b, 0x92]
export const timesFloats = (a: Code, b: Code): Code => [...a, ...b, 0x94]
export const float = (value: number): Code => [
  0x43,
  ...new Uint8Array(Float32Array.of(value).buffer)
]

/** Four floats side by side. @param offset in bytes, below 128. */
export const loadFour = (at: Code, offset: number): Code => [...at, 0xfd, 0, 2, offset]
export const addFours = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xe4, 1]
export const lessFours = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xe5, 1]
export const timesFours = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xe6, 1]
export const overFours = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xe7, 1]
export const leastFours = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xe8, 1]
export const mostFours = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xe9, 1]
/** To the nearest whole number, as floats. */
export const roundFours = (four: Code): Code => [...four, 0xfd, 0x6a]
/** 2 to the power of whole numbers from -126 to 127: an exponent moved to where floats have theirs. */
export const powersOfTwo = (four: Code): Code => [
  ...[...four, 0xfd, 0xf8, 1], // as integers
  ...[...whole(127), 0xfd, 0x11, 0xfd, 0xae, 1], // the bias of exponents
  ...[...whole(23), 0xfd, 0xab, 1]
]
/** @param at on a multiple of four bytes. */
export const storeFour = (at: Code, value: Code): Code => [...at, ...value, 0xfd, 0x0b, 2, 0]
/** The same float four times. */
export const splat = (value: Code): Code => [...value, 0xfd, 0x13]
export const lane = (four: Code, place: number): Code => [...four, 0xfd, 0x1f, place]

/** Repeats `body` as long as the condition, looked at before each round, holds. */
export const whileTrue = (condition: Code, body: Code): Code => [
  ...[0x02, 0x40, 0x03, 0x40], // block, loop
  ...[...condition, 0x45, 0x0d, 1], // leave the block when it does not hold
  ...[...body, 0x0c, 0], // again
  ...[0x0b, 0x0b]
]

/** A module that works on a shared memory, which it imports as `env.memory`. */
export function wasmModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const shown = functions.flatMap(({ name }, place) => (name ? [{ name, place }] : []))
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, functions.map(typeOf)),
    ...section(2, [[...text('env'), ...text('memory'), 2, 3, 1, ...unsigned(65_536)]]),
    ...section(
      3,
      functions.map((_, place) => [place])
    ),
    ...section(
      7,
      shown.map(({ name, place }) => [...text(name), 0, place])
    ),
    ...section(10, functions.map(codeOf))
  ])
}

function typeOf({ parameters, result }: WasmFunction): Code {
  const results = result ? [result] : []
  const types = (list: readonly ValueType[]) => [list.length, ...list.map(type => valueTypes[type])]
  return [0x60, ...types(parameters), ...types(results)]
}

function codeOf({ locals, body }: WasmFunction): Code {
  const declared = locals.flatMap(type => [1, valueTypes[type]])
  return sized([...unsigned(locals.length), ...declared, ...body, 0x0b])
}

function section(id: number, entries: readonly Code[]): Code {
  return [id, ...sized([...unsigned(entries.length), ...entries.flat()])]
}

function sized(content: Code): Code {
  return [...unsigned(content.length), ...content]
}

function text(value: string): Code {
  return sized([...new TextEncoder().encode(value)])
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: number): Code {
  const [low, rest] = [value & 0x7f, value >> 7]
  const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)
  return isLast ? [low] : [low | 0x80, ...signed(rest)]
}
