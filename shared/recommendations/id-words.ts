// What the codes of item IDs stand for, as training said it of the whole catalogue: part of a release,
// so that explaining an answer reads no catalogue. One copy for all threads, as text, which a thread
// reads at the first explanation that it is asked for.
import type { PrefixExplanation } from '#shared/itemids/explain-item.ts'

/** What the last code of a prefix stands for. */
export interface IdWord {
  readonly name?: string | undefined
  readonly words: readonly string[]
  readonly examples: readonly string[]
}

/** Undefined for a prefix that came after training, and for whole IDs. */
export type IdWords = (codes: readonly number[]) => IdWord | undefined

/** Sent to another thread, nothing of it is copied. */
export type SharedIdWords = SharedArrayBuffer

export function shareIdWords(prefixes: readonly PrefixExplanation[]): SharedIdWords {
  const bytes = Buffer.from(
    JSON.stringify(
      prefixes.map(({ codes, name, words, examples }) => [codes.join(), { name, words, examples }])
    )
  )
  const shared = new SharedArrayBuffer(bytes.length)
  bytes.copy(new Uint8Array(shared))
  return shared
}

export function openIdWords(shared: SharedIdWords): IdWords {
  let known: ReadonlyMap<string, IdWord> | undefined
  return codes => {
    known ??= new Map(JSON.parse(Buffer.from(shared).toString('utf8')))
    return known!.get(codes.join())
  }
}
