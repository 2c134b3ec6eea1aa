// Three groups of tests, by what they need. A run of one file starts only what its group needs.
import { defineConfig } from 'vitest/config'

const withKafka = [
  'test/services/ingestion/**/*.integration.test.ts',
  'test/flow/**/*.test.ts',
  'test/**/*.kafka.test.ts'
]
const withPostgres = ['test/**/*.integration.test.ts', ...withKafka]

export default defineConfig({
  test: {
    setupFiles: ['test/support/leaked-handles.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: withPostgres,
          testTimeout: 20_000 // some start a process
        }
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: withPostgres,
          exclude: withKafka,
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 30_000, // real servers, perhaps on a busy machine
          hookTimeout: 120_000
        }
      },
      {
        extends: true,
        test: {
          name: 'flow',
          include: withKafka,
          globalSetup: ['test/support/global-setup.ts', 'test/support/kafka-global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000 // the first run downloads Kafka
        }
      }
    ]
  }
})
