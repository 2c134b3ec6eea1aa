// `nextrie schemas`: the contracts of events and items as JSON Schema files, for producers.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { contractFile, contracts } from '#shared/events/contracts.ts'

/** Writes `<name>-<version>.schema.json` for each contract. @returns the files' paths. */
export async function writeSchemas(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  return Promise.all(
    contracts.map(async contract => {
      const file = join(folder, `${contract.name}.schema.json`)
      await writeFile(file, contractFile(contract))
      return file
    })
  )
}
