import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#shared/database/embedded-postgres.ts'
import { createPool } from '#shared/database/pool.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { runOn } from '#test/support/postgres.ts'

const log = createLogger({ name: 'test', level: 'silent' })
const program = join(import.meta.dirname, 'start-embedded-postgres.ts')
const isRoot = process.getuid?.() === 0

let root: string
let folder: string // one server for most tests, started and stopped by each
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'nextrie-embedded-'))
  folder = join(root, 'postgres')
  if (isRoot) await rm(root, { recursive: true }).then(() => mkdir(root, { mode: 0o755 }))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('a first start', () => {
  test('gives a server that answers on the loopback address, with the password only', async () => {
    const server = await start()

    const [settings] = await runOn(
      server.url,
      `select current_setting('listen_addresses') as addresses,
              current_setting('unix_socket_directories') as sockets,
              current_setting('fsync') as fsync`
    )
    expect(settings).toEqual({ addresses: '127.0.0.1', sockets: '', fsync: 'on' })
    await expect(runOn(server.url.replace(/:[^:@]+@/, ':guess@'), 'select 1')).rejects.toThrow(
      'password authentication failed'
    )
  })

  test('keeps the password and the data to their owner', async () => {
    const server = await start()

    const cluster = join(server.home, 'cluster')
    expect((await stat(join(cluster, 'password'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(cluster, 'data'))).mode & 0o777).toBe(0o700)
    expect((await stat(cluster)).uid).not.toBe(0)
  })

  test('leaves nothing half done beside the data', async () => {
    const names = await readdir(folder)

    expect(names.filter(name => name.startsWith('tmp-'))).toEqual([])
  })
})

describe('stop', () => {
  test('ends the server, and a next start finds what was written', async () => {
    const first = await start()
    await runOn(first.url, "create table kept as select 'by stop' as how")
    await first.stop()
    expect(await answers(first.url)).toBe(false)

    const second = await start()

    expect(await runOn(second.url, 'select how from kept')).toEqual([{ how: 'by stop' }])
  })

  test('does not wait for a connection that somebody keeps open', async () => {
    const server = await start()
    const pool = createPool(server.url)
    await pool.query('select 1')

    await server.stop()

    await pool.end()
  })

  test('may be called twice', async () => {
    const server = await start()

    await Promise.all([server.stop(), server.stop()])
  })
})

describe('kill -9', () => {
  test('of the server: it comes back at the same address with what was committed', async () => {
    const server = await start()
    await runOn(server.url, "create table recovered as select 'yes' as here")

    process.kill(await postmasterOf(server.home), 'SIGKILL')

    await expect
      .poll(() => runOn(server.url, 'select here from recovered'), { timeout: 20_000 })
      .toEqual([{ here: 'yes' }])
    await server.stop()
    expect(await answers(server.url)).toBe(false)
  })

  test('of the server again and again: it is given up, and can still be stopped', async () => {
    const server = await start()
    const fatal = vi.spyOn(log, 'fatal')
    onTestFinished(() => fatal.mockRestore())
    let kills = 0

    while (fatal.mock.calls.length === 0 && kills < 30) {
      if (!(await answers(server.url))) continue
      process.kill(await postmasterOf(server.home), 'SIGKILL')
      kills++
    }

    expect(kills).toBeGreaterThan(5)
    expect(fatal.mock.calls).toMatchObject([
      [expect.anything(), 'embedded Postgres cannot be started again']
    ])
    await server.stop()
    expect(await answers(server.url)).toBe(false)
  })

  test('of the server while it is being stopped is just a faster stop', async () => {
    const server = await start()

    const stopped = server.stop()
    process.kill(await postmasterOf(server.home), 'SIGKILL')

    await stopped
    expect(await answers(server.url)).toBe(false)
  })

  test('of the program: its server is stopped by the next start, which has the data', async () => {
    const killed = await runProgram('wait')
    await runOn(killed.url, "create table orphaned as select 'yes' as here")
    killed.child.kill('SIGKILL')
    await once(killed.child, 'exit')

    const server = await start()

    expect(await answers(killed.url)).toBe(false)
    expect(await runOn(server.url, 'select here from orphaned')).toEqual([{ here: 'yes' }])
  })

  test('of both: what they left does not stop the next start', async () => {
    const killed = await runProgram('wait')
    await runOn(killed.url, "create table left_alone as select 'yes' as here")
    const postmaster = await postmasterOf(folder)
    killed.child.kill('SIGKILL')
    process.kill(postmaster, 'SIGKILL')
    await once(killed.child, 'exit')

    const server = await start()

    expect(await runOn(server.url, 'select here from left_alone')).toEqual([{ here: 'yes' }])
  })

  test('of a container: its process number may belong to another program now', async () => {
    const server = await start()
    const pidFile = join(server.home, 'cluster', 'data', 'postmaster.pid')
    const left = await readFile(pidFile, 'utf8')
    await server.stop()
    const { uid, gid } = await stat(join(server.home, 'cluster'))
    const other = spawn('sleep', ['60'], { cwd: '/', uid, gid, stdio: 'ignore' })
    await once(other, 'spawn')
    await writeFile(pidFile, left.replace(/^\d+/, String(other.pid)))

    const next = await start()

    expect(await answers(next.url)).toBe(true)
    other.kill()
    await once(other, 'exit')
  })
})

test('a program that exits without stopping its server ends it all the same', async () => {
  const { child, url } = await runProgram('exit')
  if (child.exitCode === null) await once(child, 'exit')

  await expect.poll(() => answers(url)).toBe(false)
})

describe('a second start on the same folder', () => {
  test('is refused while another process owns the server, which is left alone', async () => {
    const other = await runProgram('wait')

    await expect(startEmbeddedPostgres({ folder, log })).rejects.toMatchObject({
      code: 'POSTGRES_UNAVAILABLE',
      message: `another process runs the database in ${folder}; stop that process, or give this one a folder of its own`
    })

    expect(await answers(other.url)).toBe(true)
    other.child.kill('SIGKILL')
    await once(other.child, 'exit')
    await start()
  })

  test('at the same moment: one gets the server, the other is refused', async () => {
    const shared = join(root, 'at-once')
    const starts = await Promise.allSettled([
      startEmbeddedPostgres({ folder: shared, log }),
      startEmbeddedPostgres({ folder: shared, log })
    ])

    const servers = starts.flatMap(start => (start.status === 'fulfilled' ? [start.value] : []))
    const refusals = starts.flatMap(start => (start.status === 'rejected' ? [start.reason] : []))
    expect(servers).toHaveLength(1)
    expect(refusals).toMatchObject([{ code: 'POSTGRES_UNAVAILABLE', canRetry: true }])
    const [{ url, stop }] = servers as [EmbeddedPostgres]
    expect(await answers(url)).toBe(true)
    await stop()
  })
})

describe('a start that cannot succeed', () => {
  test('says which port is taken', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as { port: number }

    await expect(startEmbeddedPostgres({ folder, log, port })).rejects.toMatchObject({
      code: 'POSTGRES_UNAVAILABLE',
      message: expect.stringContaining('Address already in use')
    })

    holder.close()
    await once(holder, 'close')
  })

  test('says that the data are of another Postgres', async () => {
    const versionFile = join(folder, 'cluster', 'data', 'PG_VERSION')
    const version = await readFile(versionFile, 'utf8')
    await writeFile(versionFile, '17\n')

    await expect(startEmbeddedPostgres({ folder, log })).rejects.toMatchObject({
      code: 'POSTGRES_UNAVAILABLE',
      message: expect.stringContaining('written by Postgres 17')
    })

    await writeFile(versionFile, version)
  })
})

test('below a folder closed to others, root’s server lives elsewhere and anybody else’s does not', async () => {
  const closed = join(root, 'closed')
  await mkdir(closed, { mode: 0o700 })
  const inside = join(closed, 'postgres')

  const server = await startEmbeddedPostgres({ folder: inside, log })
  const { home } = server
  await server.stop()
  const again = await startEmbeddedPostgres({ folder: inside, log })
  await again.stop()

  expect(home).toMatch(isRoot ? /^\/var\/lib\/nextrie\/postgres-/ : inside)
  expect(again.home).toBe(home)
  await rm(home, { recursive: true })
})

async function start(): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ folder, log })
  onTestFinished(server.stop)
  return server
}

async function runProgram(then: 'wait' | 'exit'): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', program, folder, then], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [url] = await once(createInterface(child.stdout), 'line')
  return { child, url }
}

async function answers(url: string): Promise<boolean> {
  return runOn(url, 'select 1').then(
    () => true,
    () => false
  )
}

async function postmasterOf(home: string): Promise<number> {
  const file = await readFile(join(home, 'cluster', 'data', 'postmaster.pid'), 'utf8')
  return Number(file.split('\n', 1)[0])
}
