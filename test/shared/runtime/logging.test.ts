import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const program = new URL('./signal-program.ts', import.meta.url).pathname

test('without a terminal a line is JSON, and the last one is not lost when the program exits', async () => {
  const stdout = await outputOf('logs and exits')

  expect(JSON.parse(stdout)).toMatchObject({
    level: 'info',
    name: 'program',
    items: 3,
    msg: 'release published',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })
})

test('lines keep their order when a busy program exits right after them', async () => {
  const lines = (await outputOf('logs in the middle of work and exits')).trim().split('\n')

  expect(lines.map(text => JSON.parse(text).line)).toEqual([1, 2, 3])
})

async function outputOf(behaviour: string): Promise<string> {
  const args = ['--import', 'tsx', program, behaviour]
  return (await promisify(execFile)(process.execPath, args)).stdout
}
