// Faults: lost and doubled events, dead letters and tails after every part was killed in turn
//
// --events 1000000 (default), --rounds 3: how often each of the four parts (two ingestion processes,
// the broker, Postgres) is killed with kill -9 and started again. What is sent and how it is judged is
// told in test/support/kafka/faults.ts. A malformed message is in the topic at least once: a crash
// between Kafka's answer and the commit sends it again. In the relation it is once.
import { surviveFaults } from '#test/support/kafka/faults.ts'
import type { BenchOptions, Figure } from './report.ts'

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const rounds = Number(options.rounds ?? 3)
  const outcome = await surviveFaults({
    events: Number(options.events ?? 1_000_000),
    rounds,
    tell: line => process.stderr.write(`${line}\n`)
  })
  if ('missing' in outcome) {
    process.stderr.write(`SKIPPED: no Kafka can be started here: ${outcome.missing}\n`)
    return []
  }
  const none = { of: 'value', atMost: 0 } as const
  return [
    { name: 'lost', value: outcome.lost, unit: 'events', wanted: none },
    { name: 'doubled', value: outcome.doubled, unit: 'events', wanted: none },
    {
      name: `malformed missing in the topic, of ${outcome.malformed}`,
      value: outcome.missingInTopic,
      unit: 'messages',
      wanted: none
    },
    {
      name: `malformed missing in Postgres, of ${outcome.malformed}`,
      value: outcome.missingInTable,
      unit: 'messages',
      wanted: none
    },
    { name: 'rejected wrongly', value: outcome.wronglyRejected, unit: 'messages', wanted: none },
    {
      name: `tails unequal to the log's, of ${outcome.tails}`,
      value: outcome.wrongTails,
      unit: 'tails',
      wanted: none
    },
    {
      name: 'faults survived',
      value: outcome.faults,
      unit: 'kills',
      wanted: { of: 'value', atLeast: 4 * rounds }
    },
    { name: 'time', value: outcome.seconds, unit: 's' }
  ]
}
