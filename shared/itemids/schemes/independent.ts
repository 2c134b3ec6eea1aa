// IID: one code for each item, and no path. Generation is then a softmax over the whole catalogue:
// nothing is lost to a wrong first code, and nothing is saved.
import type { Paths } from '../scheme.ts'

export function independentPaths(): Paths {
  return { length: 0, codes: new Int32Array(0), sizes: [], reading: { from: 'vector' } }
}
