import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeFindings, isHealthy } from '#services/nextrie/doctor.ts'
import { checkDisk, checkNode } from '#services/nextrie/machine-checks.ts'
import { freePort } from '#services/nextrie/ports.ts'
import { checkDatabase, checkKafka, checkServing } from '#services/nextrie/service-checks.ts'
import {
  createEmptyDatabase,
  createTestDatabase,
  type TestDatabase
} from '#test/support/postgres.ts'

let migrated: TestDatabase
let empty: TestDatabase
beforeAll(async () => {
  migrated = await createTestDatabase()
  empty = await createEmptyDatabase()
})
afterAll(async () => {
  await migrated.drop()
  await empty.drop()
})

describe('the doctor', () => {
  test('finds a migrated database well, and that nothing was trained yet', async () => {
    expect(await checkDatabase(migrated.url)).toMatchObject([
      { part: 'Postgres', health: 'ok', says: expect.stringMatching(/^\d+\.\d+ answers/) },
      { part: 'schema', health: 'ok' },
      { part: 'live release', health: 'absent', remedy: 'npx nextrie train' }
    ])
  })

  test('says how to migrate a database that is not', async () => {
    const findings = await checkDatabase(empty.url)

    expect(findings.at(-1)).toMatchObject({
      part: 'schema',
      health: 'broken',
      says: expect.stringMatching(/^0 of \d+ migrations applied$/),
      remedy: 'npx nextrie migrate'
    })
  })

  test('says of a database that is not in UTF-8 how to make one', async () => {
    const latin = await createEmptyDatabase('LATIN1')

    const findings = await checkDatabase(latin.url)
    await latin.drop()

    expect(findings.at(-1)).toMatchObject({
      part: 'schema',
      health: 'broken',
      says: expect.stringContaining('is in LATIN1, which does not hold every text'),
      remedy: expect.stringContaining("encoding 'UTF8'")
    })
  })

  test('finds a release whose files are gone', async () => {
    await migrated.pool.query(
      `insert into releases (release_id, state, location, manifest)
       values ('r1', 'live', '/nowhere', '{}')`
    )

    const findings = await checkDatabase(migrated.url)

    expect(findings.at(-1)).toMatchObject({
      health: 'broken',
      says: 'r1 in /nowhere, which is gone'
    })
  })

  test('names the reason where the database cannot be reached', async () => {
    const port = await freePort('127.0.0.1', 0)

    expect(await checkDatabase(`postgres://127.0.0.1:${port}/shop`)).toMatchObject([
      { health: 'broken', says: expect.stringContaining('ECONNREFUSED') }
    ])
  })

  test('tries every Kafka broker by itself', async () => {
    const broker = createServer().listen(0, '127.0.0.1')
    await once(broker, 'listening')
    const { port } = broker.address() as AddressInfo
    const nobody = await freePort('127.0.0.1', 0)

    const findings = await checkKafka([`127.0.0.1:${port}`, `127.0.0.1:${nobody}`, 'broker'])
    broker.close()

    expect(findings).toMatchObject([
      { health: 'ok' },
      { health: 'broken', says: expect.stringContaining('ECONNREFUSED') },
      { health: 'broken', says: expect.stringContaining('it must be host:port') }
    ])
  })

  test('takes a service that does not run for absent, which is no fault', async () => {
    const port = await freePort('127.0.0.1', 0)

    const finding = await checkServing(`http://127.0.0.1:${port}`)

    expect(finding).toMatchObject({
      health: 'absent',
      remedy: expect.stringContaining('npm start')
    })
    expect(isHealthy([finding])).toBe(true)
  })

  test.each([
    ['20.18.3', 'broken'],
    ['18.20.0', 'broken'],
    ['20.19.0', 'ok'],
    ['24.0.0', 'ok']
  ])('finds Node %s %s', async (version, health) => {
    expect(await checkNode(version)).toMatchObject({ health })
  })

  test('says how much room there is', async () => {
    expect((await checkDisk('/')).says).toMatch(/^\d+\.\d GB free in \/$/)
  })

  test('writes a line for each part, and its remedy below it', () => {
    const text = describeFindings([
      { part: 'Node.js', health: 'ok', says: '24.0.0' },
      { part: 'schema', health: 'broken', says: '0 of 3 migrations applied', remedy: 'migrate' }
    ])

    expect(text.split('\n')).toEqual([
      'ok      Node.js  24.0.0',
      'BROKEN  schema   0 of 3 migrations applied',
      '                 migrate'
    ])
  })
})
