// SID: items are numbered as they first occur in the training sessions, one session after another,
// so that items of one session get numbers side by side; the digits of the number are the codes.
// Items without a training click have no number: they are placed as new ones.
import { RecommenderError } from '#shared/runtime/errors.ts'
import { evenShape, type IndexInput, type Paths } from '../scheme.ts'

/** In which order the sessions are walked. */
export type SessionOrder = 'time' | 'random' | 'short-first' | 'long-first'

export function sequentialPaths(order: SessionOrder): (input: IndexInput) => Paths {
  return ({ items, sessions, random, settings = {} }) => {
    const walked = {
      time: () => sessions,
      random: () => random.shuffle(sessions.slice()),
      'short-first': () => sessions.toSorted((a, b) => a.length - b.length),
      'long-first': () => sessions.toSorted((a, b) => b.length - a.length)
    }
    const ranks = numberInOrder(walked[order](), items.length)
    const numbered = ranks.reduce((count, rank) => count + (rank < 0 ? 0 : 1), 0)
    if (numbered === 0) throw withoutClicks()
    const { levels, branching } = evenShape(numbered)
    const base = settings.branching ?? branching
    const length = levels - 1
    const codes = new Int32Array(items.length * length).fill(-1)
    ranks.forEach((rank, item) => {
      if (rank >= 0) codes.set(leadingDigits(rank, base, length), item * length)
    })
    const first = Math.max(1, Math.ceil(numbered / base ** length))
    const sizes = [first, ...new Array(length - 1).fill(base)]
    return { length, codes, sizes, reading: { from: 'vector' }, ranks }
  }
}

/** All digits but the last one; the first is as large as it has to be. */
function leadingDigits(rank: number, base: number, length: number): number[] {
  const unitAt = (place: number) => base ** (length - place)
  return Array.from({ length }, (_, place) => {
    const digits = Math.floor(rank / unitAt(place))
    return place === 0 ? digits : digits % base
  })
}

function withoutClicks(): RecommenderError {
  return new RecommenderError(
    'LOG_TOO_SHORT',
    'no item of the catalogue has a click in the training sessions, whose order the scheme sequential ' +
      'numbers items by: send events first, or choose residual-kmeans, which reads any attributes'
  )
}

/** [items] each item's place among all by first click; -1 for those without one. */
function numberInOrder(sessions: readonly Int32Array[], itemCount: number): Int32Array {
  const ranks = new Int32Array(itemCount).fill(-1)
  let next = 0
  for (const session of sessions) {
    for (const item of session) if (ranks[item] === -1) ranks[item] = next++
  }
  return ranks
}
