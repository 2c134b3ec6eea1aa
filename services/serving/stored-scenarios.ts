// The scenarios in Postgres: a name, and the defaults that a question which says it begins with.
import type { Connection } from '#shared/database/pool.ts'
import type { Defaults } from './routes/question.ts'

export interface Scenario {
  readonly name: string
  readonly defaults: Defaults
}

/** All of them are held by every process: 16 MiB at most. */
export const mostScenarios = 1000
/** Of one's defaults, as JSON. */
export const mostScenarioBytes = 16 * 1024

/** In the order of their names. */
export async function listScenarios(connection: Connection): Promise<Scenario[]> {
  const { rows } = await connection.query<Scenario>(
    'select name, defaults from scenarios order by name'
  )
  return rows
}

/**
 * Differs whenever one was added, replaced or deleted, and costs no more than their names. Not the newest
 * `changed_at`: of two that are written at once, the one that commits last may be the older.
 */
export async function scenariosStamp(connection: Connection): Promise<string> {
  const { rows } = await connection.query<{ stamp: string }>(
    `select md5(coalesce(string_agg(name || ' ' || xmin::text, ',' order by name), '')) as stamp
     from scenarios`
  )
  return rows[0]!.stamp
}

export async function readScenario(
  connection: Connection,
  name: string
): Promise<Scenario | undefined> {
  const { rows } = await connection.query<Scenario>(
    'select name, defaults from scenarios where name = $1',
    [name]
  )
  return rows[0]
}

/** Writes a new one or replaces one. @returns false when there are too many already. */
export async function writeScenario(
  connection: Connection,
  { name, defaults }: Scenario
): Promise<boolean> {
  const { rowCount } = await connection.query(
    `insert into scenarios (name, defaults)
     select $1, $2::json
     where (select count(*) from scenarios) < $3 or exists (select from scenarios where name = $1)
     on conflict (name) do update set defaults = excluded.defaults, changed_at = now()`,
    [name, JSON.stringify(defaults), mostScenarios]
  )
  return rowCount === 1
}

/** @returns whether there was one. */
export async function deleteScenario(connection: Connection, name: string): Promise<boolean> {
  const { rowCount } = await connection.query('delete from scenarios where name = $1', [name])
  return rowCount === 1
}
