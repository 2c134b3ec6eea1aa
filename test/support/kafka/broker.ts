// One Kafka broker (KRaft, broker and controller in one) as a child process, on free ports that it
// keeps across restarts and with its data in a temporary folder.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { KafkaInstallation } from './install-kafka.ts'

export interface Broker {
  readonly brokers: string[]
  /** The addresses of the further listeners, by name. */
  readonly listeners: Readonly<Record<string, string[]>>
  /** Ends it in order and removes its data. */
  stop(): Promise<void>
  /** kill -9. */
  kill(): Promise<void>
  /** Starts it again on the same port with the same data, ending it in order first if it runs. */
  restart(): Promise<void>
}

/** What a broker has beside its plain listener. */
export interface BrokerExtension {
  /** Further listeners, named as Kafka names their protocol: SSL, SASL_SSL. */
  readonly protocols: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  /** For the tool that formats the log folder: users, say. */
  readonly formatArguments: readonly string[]
}

const plain: BrokerExtension = { protocols: [], properties: {}, formatArguments: [] }

/** Formats a log folder, starts a broker and waits until it answers: 3 to 5 seconds. */
export async function startBroker(
  kafka: KafkaInstallation,
  extension: BrokerExtension = plain
): Promise<Broker> {
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-kafka-'))
  const [port, controlPort, ...ports] = await findFreePorts(extension.protocols.length)
  const properties = join(folder, 'server.properties')
  const further = extension.protocols.map((name, i) => ({ name, port: ports[i]! }))
  const text = serverProperties({ folder, port, controlPort, further })
  const more = Object.entries(extension.properties).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(properties, text + more.join(''))
  await format(kafka, properties, extension.formatArguments)
  let server = await launch(kafka, properties)
  return {
    brokers: [`127.0.0.1:${port}`],
    listeners: Object.fromEntries(further.map(each => [each.name, [`127.0.0.1:${each.port}`]])),
    stop: async () => {
      await end(server, 'SIGTERM')
      await rm(folder, { recursive: true, force: true })
    },
    kill: () => end(server, 'SIGKILL'),
    restart: async () => {
      await end(server, 'SIGTERM')
      server = await launch(kafka, properties)
    }
  }
}

interface Places {
  readonly folder: string
  readonly port: number
  readonly controlPort: number
  readonly further: readonly { readonly name: string; readonly port: number }[]
}

/** One replica of everything, small buffers, and sessions short enough to restart after kill -9. */
function serverProperties({ folder, port, controlPort, further }: Places): string {
  const addresses = further.map(each => `,${each.name}://127.0.0.1:${each.port}`).join('')
  const protocols = further.map(({ name }) => `,${name}:${name}`).join('')
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controlPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controlPort}${addresses}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}${addresses}`,
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${protocols}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'log'),
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 5,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 5,
    'group.initial.rebalance.delay.ms': 0,
    'log.cleaner.dedupe.buffer.size': 8_388_608,
    'log.segment.bytes': 16_777_216,
    'num.network.threads': 2,
    'num.io.threads': 2,
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 2000 // by default a restart after kill -9 takes 11 s, with this 4
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** Little memory and a quick start count here, not throughput. */
const javaFlags = [
  '-Xms64m',
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xshare:auto',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info' // says when it has started
]

function javaArguments({ jars }: KafkaInstallation, mainClass: string): string[] {
  return [...javaFlags, '-cp', join(jars, '*'), mainClass]
}

async function format(
  kafka: KafkaInstallation,
  properties: string,
  more: readonly string[]
): Promise<void> {
  const clusterId = randomBytes(16).toString('base64url')
  // One word: an id may begin with a hyphen, and would then be read as an option.
  const args = ['format', `--cluster-id=${clusterId}`, '-c', properties, ...more]
  await promisify(execFile)(kafka.java, [
    ...javaArguments(kafka, 'kafka.tools.StorageTool'),
    ...args
  ])
}

async function launch(kafka: KafkaInstallation, properties: string): Promise<ChildProcess> {
  const server = spawn(kafka.java, [...javaArguments(kafka, 'kafka.Kafka'), properties], {
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const lines: string[] = []
  await new Promise<void>((resolve, reject) => {
    createInterface(server.stderr).on('line', line => {
      lines.push(line)
      if (line.includes('Kafka Server started')) resolve()
    })
    server.once('error', reject)
    server.once('exit', () =>
      reject(new Error(`the broker ended:\n${lines.slice(-20).join('\n')}`))
    )
  })
  return server
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill(signal)
  await once(server, 'exit')
}

/** Two and some more; all are held open together, so that they differ. */
async function findFreePorts(more: number): Promise<[number, number, ...number[]]> {
  const servers = Array.from({ length: 2 + more }, () => createServer())
  await Promise.all(servers.map(server => once(server.listen(0, '127.0.0.1'), 'listening')))
  const ports = servers.map(server => (server.address() as { port: number }).port)
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return ports as [number, number, ...number[]]
}
