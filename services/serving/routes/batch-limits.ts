// How much batches may take of the service, so that what visitors ask finds room beside them.

export interface BatchLimits {
  /** Batches answered at the same time; one more is refused. */
  readonly atATime: number
  /** Of one batch asked at the same time. */
  readonly askedAhead: number
}

const most: BatchLimits = { atATime: 16, askedAhead: 8 }

/** All batches together find room in the queue, so that none overloads the service by itself. */
export function batchLimits(queueLength: number): BatchLimits {
  const atATime = Math.min(most.atATime, queueLength)
  return { atATime, askedAhead: Math.min(most.askedAhead, Math.floor(queueLength / atATime)) }
}
