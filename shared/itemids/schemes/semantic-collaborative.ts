// SemID + CID: the category path, then the collaborative one. Items of a category are divided by how
// they are visited, but only as far as whole-catalogue clusters happen to cut through the category.
import type { IndexInput, Paths } from '../scheme.ts'
import { collaborativePaths } from './collaborative.ts'
import { semanticPaths } from './semantic.ts'

export function semanticThenCollaborativePaths(input: IndexInput): Paths {
  const [semantic, collaborative] = [semanticPaths(input), collaborativePaths(input)]
  const length = semantic.length + collaborative.length
  const codes = new Int32Array(input.items.length * length)
  input.items.forEach((_, item) => {
    const [first, then] = [semantic, collaborative].map(paths =>
      paths.codes.subarray(item * paths.length, (item + 1) * paths.length)
    ) as [Int32Array, Int32Array]
    if (then[0] === -1) codes.fill(-1, item * length, (item + 1) * length)
    else codes.set([...first, ...then], item * length)
  })
  return { ...semantic, length, codes, sizes: [...semantic.sizes, ...collaborative.sizes] }
}
