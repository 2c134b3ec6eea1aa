// Takes values in batches, one being written while the next is read: the file and the database are
// about equally slow.

export interface BatchOptions<T> {
  readonly size: number
  readonly write: (batch: T[]) => Promise<void>
  /** Stops between two batches: the signal's reason is thrown. */
  readonly signal?: AbortSignal | undefined
}

/** Writes all values, in their order. Returns when the last batch is written. */
export async function inBatches<T>(
  values: AsyncIterable<T>,
  { size, write, signal }: BatchOptions<T>
): Promise<void> {
  let written = Promise.resolve()
  try {
    for await (const batch of gather(values, size)) {
      await written
      signal?.throwIfAborted()
      written = write(batch)
      written.catch(() => undefined) // thrown where it is awaited
    }
  } finally {
    await written // nothing goes on behind the caller's back, also when reading failed
  }
}

async function* gather<T>(values: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const value of values) {
    if (batch.push(value) < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
