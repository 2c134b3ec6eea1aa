// What ingestion is built for, in its shorter form: `npm run bench -- faults` is the long one.
import { expect, test } from 'vitest'
import { surviveFaults } from '#test/support/kafka/faults.ts'
import { describeWithOwnKafka } from '#test/support/kafka.ts'

const rounds = 1

describeWithOwnKafka('two ingestion processes, the broker and Postgres', () => {
  test('are each killed and come back, and nothing is lost, doubled, or unlike the log', async () => {
    const outcome = await surviveFaults({ events: 100_000, rounds, tell: () => {} })

    expect(outcome).toMatchObject({
      faults: 4 * rounds,
      lost: 0,
      doubled: 0,
      malformed: 500,
      missingInTopic: 0,
      missingInTable: 0,
      wronglyRejected: 0,
      wrongTails: 0,
      tails: 10_003
    })
  }, 240_000)
})
