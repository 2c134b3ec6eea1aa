// The whole product as it runs at work: three programs, each a process of its own that knows only
// its environment, on a real Kafka broker and a real Postgres server.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Message } from 'kafkajs'
import { expect, vi } from 'vitest'
import {
  createHarness,
  type Harness,
  startIngestionProgram
} from '#test/services/ingestion/harness.ts'
import { type Program, runProgram, whileRunning } from '#test/support/program.ts'
import { type Answer, type Question, type Serving, startServing } from '#test/support/serving.ts'

/** Kafka takes requests of up to a megabyte. */
const messagesPerRequest = 2000

export class Product {
  readonly harness: Harness
  readonly #releases: string
  #sent = 0
  #ingestion: Program | undefined
  #serving: Serving | undefined

  /** Topics, a migrated database and a folder for releases; no program runs yet. */
  static async create(brokers: string[]): Promise<Product> {
    const releases = await mkdtemp(join(tmpdir(), 'nextrie-flow-'))
    return new Product(await createHarness(brokers), releases)
  }

  private constructor(harness: Harness, releases: string) {
    this.harness = harness
    this.#releases = releases
  }

  async startIngestion(): Promise<void> {
    this.#ingestion = await startIngestionProgram(this.harness.environment)
  }

  sendItems(messages: readonly Message[]): Promise<void> {
    return this.#send(this.harness.config.itemsTopic, messages)
  }

  sendEvents(messages: readonly Message[]): Promise<void> {
    return this.#send(this.harness.config.eventsTopic, messages)
  }

  /** Waits until ingestion has committed everything that was sent. */
  async untilIngested(): Promise<void> {
    const expectAll = async () => {
      const { rows } = await this.harness.database.pool.query(
        'select coalesce(sum(next_offset), 0)::int as read from consumer_offsets'
      )
      expect(rows[0].read).toBe(this.#sent)
    }
    const arrival = vi.waitFor(expectAll, { timeout: 60_000, interval: 20 })
    await whileRunning(this.#ingestion!, arrival)
  }

  /** Runs the trainer to its end. */
  async train(): Promise<void> {
    await runProgram('services/trainer/main.ts', {
      DATABASE_URL: this.harness.database.url,
      RELEASES_FOLDER: this.#releases,
      VALIDATION_DAYS: '7',
      TEST_DAYS: '7',
      TRAINING_BACKEND: 'wasm' // what every machine has
    })
  }

  async startServing(): Promise<void> {
    this.#serving = await startServing({ DATABASE_URL: this.harness.database.url })
  }

  ask(question: Question): Promise<Answer> {
    return this.#serving!.ask(question)
  }

  /** Asks the programs to stop. @returns their exit codes. */
  async stop(): Promise<{ ingestion: number | null; serving: number | null }> {
    const [ingestion, serving] = await Promise.all([
      this.#ingestion!.end('SIGTERM'),
      this.#serving!.end('SIGTERM')
    ])
    return { ingestion, serving }
  }

  /** Leaves nothing behind, whatever has failed before. */
  async close(): Promise<void> {
    await Promise.all([this.#ingestion?.end('SIGKILL'), this.#serving?.end('SIGKILL')])
    await this.harness.close()
    await rm(this.#releases, { recursive: true, force: true })
  }

  async #send(topic: string, messages: readonly Message[]): Promise<void> {
    for (let start = 0; start < messages.length; start += messagesPerRequest) {
      await this.harness.produce(topic, messages.slice(start, start + messagesPerRequest))
    }
    this.#sent += messages.length
  }
}
