import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'

// Each test starts a real process: signals and exit codes are what this is about.
const program = new URL('./signal-program.ts', import.meta.url).pathname

describe('a signal', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s closes the program and exits with 0',
    async signal => {
      const { child, ended } = await run('closes well')

      child.kill(signal)

      const { code, lines } = await ended
      expect(code).toBe(0)
      expect(lines.map(line => line.msg)).toEqual(['stopping', 'closed', 'stopped'])
    }
  )

  test('a close that fails is logged and exits with 1', async () => {
    const { child, ended } = await run('fails to close')

    child.kill('SIGTERM')

    const { code, lines } = await ended
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      msg: 'could not stop cleanly',
      err: { message: 'disk full' }
    })
  })

  test('a close that takes too long exits with 1', async () => {
    const { child, ended } = await run('closes never')

    child.kill('SIGTERM')

    const { code, lines } = await ended
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatchObject({ msg: 'did not stop in time', seconds: 1.5 })
  })

  test('a second one, by somebody who lost patience, exits with 1 at once', async () => {
    const { child, ended } = await run('closes never')

    child.kill('SIGINT')
    await pause(600) // patience is time: this is what the test is about
    child.kill('SIGINT')

    const { code, lines } = await ended
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatchObject({ msg: 'stopping at once' })
  })

  test('a Ctrl-C that npm passes on once more does not cut the closing short', async () => {
    const { child, ended } = await run('closes in a second')

    child.kill('SIGINT')
    child.kill('SIGINT')

    const { code, lines } = await ended
    expect(code).toBe(0)
    expect(lines.at(-1)).toMatchObject({ msg: 'stopped' })
  })
})

describe('a failing program', () => {
  test('shows the message of our own error, without a stack, and exits with 1', async () => {
    const { code, lines } = await (await run('fails as foreseen')).ended

    expect(code).toBe(1)
    expect(lines).toMatchObject([
      {
        level: 'fatal',
        code: 'DATABASE_UNAVAILABLE',
        cause: 'connection refused',
        msg: 'no connection'
      }
    ])
    expect(lines[0]).not.toHaveProperty('err')
  })

  test('names the file that it could not use, without a stack', async () => {
    const { code, lines } = await (await run('fails for want of a file')).ended

    expect(code).toBe(1)
    expect(lines).toMatchObject([{ level: 'fatal', code: 'FILE_UNUSABLE' }])
    expect(lines[0]?.msg).toMatch(/^\/nowhere\/release\.json cannot be used/)
    expect(lines[0]).not.toHaveProperty('err')
  })

  test('shows the stack of a bug and exits with 1', async () => {
    const { code, lines } = await (await run('fails by a bug')).ended

    expect(code).toBe(1)
    expect(lines).toMatchObject([
      { level: 'fatal', err: { type: 'TypeError', stack: expect.stringContaining('program.ts') } }
    ])
  })

  test('a promise that nobody caught ends the program', async () => {
    const { code, lines } = await (await run('forgets a promise')).ended

    expect(code).toBe(1)
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', err: { message: 'nobody caught this' } })
  })
})

interface Ended {
  readonly code: number | null
  readonly lines: readonly Record<string, unknown>[]
}

/** Starts the program and waits until it listens for signals, or ends. */
async function run(behaviour: string): Promise<{ child: ChildProcess; ended: Promise<Ended> }> {
  const child = spawn(process.execPath, ['--import', 'tsx', program, behaviour], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const exited = once(child, 'exit')
  const ended = Promise.all([exited, text(child.stdout)]).then(([[code], output]) => ({
    code,
    lines: output
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line))
  }))
  await Promise.race([once(child.stdout, 'data'), exited])
  return { child, ended }
}
