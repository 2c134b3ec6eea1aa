// Where the numbered SQL files are: in the project's root, or beside the bundle.
import { fileURLToPath } from 'node:url'

export const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url))
