// A session: one visitor's clicks in order. Both the trainer and a live answer read sessions in this
// form, cut by the same function.

/** Events that say what a visitor wants; impressions and dislikes are no clicks. */
export const clickTypes = ['view', 'click', 'cart', 'purchase'] as const
export type ClickType = (typeof clickTypes)[number]

export interface Click {
  readonly itemKey: string
  readonly type: ClickType
  /** Milliseconds since the epoch, the producer's clock. */
  readonly at: number
}

export interface Session {
  readonly sessionId: string
  /** Oldest first; never empty. */
  readonly clicks: readonly Click[]
}
