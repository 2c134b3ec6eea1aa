// What a comparison has measured so far, kept beside its page: FILE.json holds every finished scheme,
// FILE.encoders/ the encoders that they share. The page and its plot are written anew with each.
// Files are read again before each change, so that two runs may add to one page.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { SettledRecipe } from '#services/trainer/config.ts'
import type { TrainedEncoder } from '#services/trainer/train-encoder.ts'
import { type Scheme, schemes } from '#shared/itemids/item-ids.ts'
import { decodeArrays, encodeArrays } from '#shared/model/safetensors.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { SchemeResult } from './measure-scheme.ts'
import { writePage } from './write-report.ts'

/** What has to be the same for results to stand on one page. */
export interface ComparisonSettings {
  readonly dataset: string
  readonly protocol: string
  readonly items: number
  readonly backend: string
  readonly coldShare: number
  /** null for all. */
  readonly mostQuestions: number | null
  readonly recipe: Omit<SettledRecipe, 'scheme'>
}

/** A start of the benchmark. */
export interface ComparisonStart {
  readonly command: string
  /** YYYY-MM-DD */
  readonly date: string
}

export interface Comparison {
  readonly settings: ComparisonSettings
  readonly starts: readonly ComparisonStart[]
  /** Time that each encoder took. */
  readonly encoderSeconds: Readonly<Record<string, number>>
  readonly results: readonly SchemeResult[]
}

export interface ComparisonRecord {
  read(): Comparison
  has(scheme: Scheme, seed: number): boolean
  /** Keeps the result, and writes the page. */
  add(result: SchemeResult): void
  /** The encoder of that name as it was trained before, or else trains it and keeps it. */
  encoder(name: string, train: () => Promise<TrainedEncoder>): Promise<TrainedEncoder>
}

/**
 * @param page FILE.md, of which FILE.json and FILE.encoders get their names; absent to keep nothing.
 * @throws RecommenderError ARGUMENT_INVALID when what is there was measured under other settings.
 */
export function openRecord(
  page: string | undefined,
  { command, date }: ComparisonStart,
  settings: ComparisonSettings
): ComparisonRecord {
  const store = page === undefined ? storeInMemory() : storeBeside(page)
  const before = store.read()
  if (before) refuseOther(before.settings, settings, `${page}`)
  else store.forgetEncoders()
  const start = { command, date }
  const known = before?.starts.some(each => each.command === command && each.date === date)
  const starts = [...(before?.starts ?? []), ...(known ? [] : [start])]
  const empty: Comparison = { settings, starts, encoderSeconds: {}, results: [] }
  const read = () => ({ ...empty, ...store.read() })
  const change = (part: Partial<Comparison>) => store.write({ ...read(), ...part })
  change({ starts })
  return {
    read,
    has: (scheme, seed) =>
      read().results.some(result => result.scheme === scheme && result.seed === seed),
    add(result) {
      change({ results: [...read().results, result].sort(byScheme) })
    },
    async encoder(name, train) {
      const kept = store.readEncoder(name)
      if (kept) return kept
      const startedAt = performance.now()
      const encoder = await train()
      const seconds = (performance.now() - startedAt) / 1000
      store.writeEncoder(name, encoder)
      change({ encoderSeconds: { ...read().encoderSeconds, [name]: seconds } })
      return encoder
    }
  }
}

function byScheme(a: SchemeResult, b: SchemeResult): number {
  return schemes.indexOf(a.scheme) - schemes.indexOf(b.scheme) || a.seed - b.seed
}

function refuseOther(before: ComparisonSettings, now: ComparisonSettings, page: string): void {
  const flat = ({ recipe, ...others }: ComparisonSettings) =>
    new Map(Object.entries({ ...others, ...recipe }).map(([k, v]) => [k, JSON.stringify(v)]))
  const [old, given] = [flat(before), flat(now)]
  const names = [...new Set([...old.keys(), ...given.keys()])]
  const differing = names
    .filter(name => old.get(name) !== given.get(name))
    .map(name => `${name} ${old.get(name)}, now ${given.get(name)}`)
  if (differing.length === 0) return
  throw new RecommenderError(
    'ARGUMENT_INVALID',
    `${page} holds results under other settings (${differing.join('; ')}): name another page, or ` +
      'remove it with its .json'
  )
}

interface Store {
  read(): Comparison | undefined
  write(comparison: Comparison): void
  readEncoder(name: string): TrainedEncoder | undefined
  writeEncoder(name: string, encoder: TrainedEncoder): void
  forgetEncoders(): void
}

function storeInMemory(): Store {
  let kept: Comparison | undefined
  return {
    read: () => kept,
    write(comparison) {
      kept = comparison
    },
    readEncoder: () => undefined,
    writeEncoder() {},
    forgetEncoders() {}
  }
}

function storeBeside(page: string): Store {
  const base = page.replace(/\.md$/, '')
  const [json, encoders] = [`${base}.json`, `${base}.encoders`]
  const facts = (name: string) => join(encoders, `${name}.json`)
  const arrays = (name: string) => join(encoders, `${name}.safetensors`)
  return {
    read: () =>
      existsSync(json) ? (JSON.parse(readFileSync(json, 'utf8')) as Comparison) : undefined,
    write(comparison) {
      mkdirSync(dirname(base), { recursive: true })
      writeWhole(json, `${JSON.stringify(comparison, null, 1)}\n`)
      writePage(base, comparison)
    },
    readEncoder(name) {
      if (!existsSync(facts(name))) return undefined
      const { vectors, ...weights } = decodeArrays(readFileSync(arrays(name)))
      const rest = JSON.parse(readFileSync(facts(name), 'utf8'))
      return { ...rest, weights, vectors: vectors!.values } as TrainedEncoder
    },
    writeEncoder(name, { weights, vectors, ...rest }) {
      mkdirSync(encoders, { recursive: true })
      const all = { ...weights, vectors: { shape: [vectors.length], values: vectors } }
      writeWhole(arrays(name), encodeArrays(all))
      writeWhole(facts(name), JSON.stringify(rest)) // last: where it is, the other is whole
    },
    forgetEncoders: () => rmSync(encoders, { recursive: true, force: true })
  }
}

/** Whole or not at all, also when the program ends in the middle. */
function writeWhole(file: string, content: string | Uint8Array): void {
  writeFileSync(`${file}.part`, content)
  renameSync(`${file}.part`, file)
}
