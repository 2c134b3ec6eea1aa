import { logLevel } from 'kafkajs'
import pino from 'pino'
import { expect, test } from 'vitest'
import { pinoLogCreator } from '#shared/messaging/kafka-log.ts'

test.each([
  // kafkajs retries these by itself: they are no errors of ours
  ['ConsumerGroup', logLevel.ERROR, 'warn'],
  ['Runner', logLevel.WARN, 'info'],
  ['Consumer', logLevel.INFO, 'debug'],
  // whoever uses the connection tells of its failure, and what is done about it
  ['Connection', logLevel.ERROR, 'debug']
])('a line of %s that kafkajs calls %i is one of ours: %s', (namespace, level, expected) => {
  const lines: Record<string, unknown>[] = []
  const stream = { write: (line: string) => lines.push(JSON.parse(line)) }
  const log = pino({ level: 'trace', formatters: { level: label => ({ level: label }) } }, stream)

  pinoLogCreator(log)()({
    namespace,
    level,
    label: '',
    log: { message: 'The group coordinator is loading', timestamp: '', groupId: 'g', stack: 'at …' }
  })

  expect(lines).toMatchObject([
    {
      level: expected,
      from: 'kafkajs',
      namespace,
      msg: 'The group coordinator is loading',
      groupId: 'g'
    }
  ])
  expect(lines[0]).not.toHaveProperty('stack')
})
