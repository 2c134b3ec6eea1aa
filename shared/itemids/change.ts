// One change of a trie at run time.
export const changeKinds = ['insert', 'remove', 'hide', 'show'] as const
export type ChangeKind = (typeof changeKinds)[number]

export interface Change {
  readonly kind: ChangeKind
  readonly item: number
  /** [depth] of an insert; empty otherwise. */
  readonly codes: readonly number[]
}
