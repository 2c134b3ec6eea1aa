// The scenarios as this process knows them. All of them are held here and read again by polling, so
// that no question waits for Postgres, and questions go on while it is away.
import type { Pool } from '#shared/database/pool.ts'
import type { Defaults } from './routes/question.ts'
import { listScenarios } from './stored-scenarios.ts'

/** The question fails as long as the scenarios could not be read even once. */
export interface KnownScenarios {
  /** By name. */
  all(): Promise<ReadonlyMap<string, Defaults>>
  /** Reads them again. */
  refresh(): Promise<void>
}

export function createKnownScenarios(pool: Pool): KnownScenarios {
  let known: ReadonlyMap<string, Defaults> | undefined

  const read = async () => {
    known = new Map((await listScenarios(pool)).map(({ name, defaults }) => [name, defaults]))
    return known
  }
  return {
    all: async () => known ?? read(),
    refresh: async () => {
      await read()
    }
  }
}
