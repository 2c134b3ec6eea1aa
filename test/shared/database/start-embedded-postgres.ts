// A program for embedded-postgres.integration.test.ts: starts a server in the folder of its first
// argument, says so, and then ends by itself or waits to be killed, as its second argument says.
import { startEmbeddedPostgres } from '#shared/database/embedded-postgres.ts'
import { createLogger } from '#shared/runtime/logging.ts'

const [folder = '', then] = process.argv.slice(2)
const log = createLogger({ name: 'program', level: 'silent' })
const { url } = await startEmbeddedPostgres({ folder, log })
process.stdout.write(`${url}\n`)
if (then === 'exit') process.exit()
