import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePort } from '#services/nextrie/ports.ts'

test('a port that another program has is not free, and is again when that has ended', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo

  expect(await freePort('127.0.0.1', port)).toBeUndefined()

  other.close()
  await once(other, 'close')
  expect(await freePort('127.0.0.1', port)).toBe(port)
})

test('port 0 finds a free one', async () => {
  expect(await freePort('127.0.0.1', 0)).toBeGreaterThan(0)
})

test.each(['nosuch.invalid', '192.0.2.1'])(
  '%s, which is no address of this machine, is named',
  async host => {
    await expect(freePort(host, 0)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^cannot listen \(.*\): HOST must be/)
    })
  }
)
