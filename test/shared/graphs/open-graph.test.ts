import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('a thread is ended in the middle of its graphs, and the process goes on', async () => {
  const program = fileURLToPath(new URL('./end-threads-program.ts', import.meta.url))

  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program])

  expect(stdout).toBe('all threads ended')
}, 60_000)
