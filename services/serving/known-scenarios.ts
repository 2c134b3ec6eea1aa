// The scenarios as this process knows them. All of them are held here and read again by polling, so
// that no question waits for Postgres, and questions go on while it is away. In full they are read only
// when their stamp says that one has changed.
import type { Pool } from '#shared/database/pool.ts'
import type { Defaults } from './routes/question.ts'
import { listScenarios, scenariosStamp } from './stored-scenarios.ts'

/** The question fails as long as the scenarios could not be read even once. */
export interface KnownScenarios {
  /** By name. */
  all(): Promise<ReadonlyMap<string, Defaults>>
  /** Reads them again if they have changed. */
  refresh(): Promise<void>
}

export function createKnownScenarios(pool: Pool): KnownScenarios {
  let known: ReadonlyMap<string, Defaults> | undefined
  let seenStamp: string | undefined

  const read = async () => {
    const stamp = await scenariosStamp(pool) // before the scenarios: what comes between is read again
    if (known && stamp === seenStamp) return known
    const scenarios = await listScenarios(pool)
    known = new Map(scenarios.map(({ name, defaults }) => [name, defaults]))
    seenStamp = stamp
    return known
  }
  return {
    all: async () => known ?? read(),
    refresh: async () => {
      await read()
    }
  }
}
