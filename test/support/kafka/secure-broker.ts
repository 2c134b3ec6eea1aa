// A broker that lets nobody in who does not prove who they are: over TLS with a name and a password
// (SASL_SSL), or over TLS with a certificate (SSL). Its certificates are made for it, by openssl.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Broker, type BrokerExtension, startBroker } from './broker.ts'
import { installKafka } from './install-kafka.ts'

export const secureUser = { username: 'nextrie', password: 'se-cret=7f3a' } as const

export interface SecureBroker {
  /** Without any demand, for the test's own side. */
  readonly plain: string[]
  readonly saslBrokers: string[]
  readonly tlsBrokers: string[]
  /** Whose signature the brokers' certificate has. */
  readonly caFile: string
  /** Signed by the same authority. */
  readonly clientCertificateFile: string
  readonly clientKeyFile: string
  stop(): Promise<void>
}

/** Makes certificates and starts the broker: about six seconds. */
export async function startSecureBroker(): Promise<SecureBroker> {
  const kafka = await installKafka()
  if ('missing' in kafka) throw new Error(kafka.missing)
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-certificates-'))
  let broker: Broker
  try {
    await makeCertificates(folder)
    broker = await startBroker(kafka, demands(folder))
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return {
    plain: broker.brokers,
    saslBrokers: broker.listeners.SASL_SSL!,
    tlsBrokers: broker.listeners.SSL!,
    caFile: join(folder, 'ca.pem'),
    clientCertificateFile: join(folder, 'client.pem'),
    clientKeyFile: join(folder, 'client.key'),
    stop: async () => {
      await broker.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}

async function makeCertificates(folder: string): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const make = (name: string, ...more: string[]) =>
    promisify(execFile)(
      'openssl',
      // biome-ignore format: one option a line says no more
      ['req', '-x509', ...key, '-days', '2', '-subj', `/CN=${name}`,
       '-keyout', `${name}.key`, '-out', `${name}.pem`, ...more],
      { cwd: folder }
    )
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key']
  await make('ca', '-addext', 'keyUsage=critical,keyCertSign')
  await make('broker', ...signed, '-addext', 'subjectAltName=IP:127.0.0.1')
  await make('client', ...signed)
  const parts = ['broker.key', 'broker.pem'].map(name => readFile(join(folder, name), 'utf8'))
  await writeFile(join(folder, 'keystore.pem'), (await Promise.all(parts)).join(''))
}

function demands(folder: string): BrokerExtension {
  const { username, password } = secureUser

  const login = (module: string, more = '') =>
    `org.apache.kafka.common.security.${module}LoginModule required${more};`
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512']
  return {
    protocols: ['SASL_SSL', 'SSL'],
    properties: {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': join(folder, 'keystore.pem'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': join(folder, 'ca.pem'),
      'listener.name.ssl.ssl.client.auth': 'required',
      'sasl.enabled.mechanisms': ['PLAIN', ...scram].join(','),
      'listener.name.sasl_ssl.plain.sasl.jaas.config': login(
        'plain.Plain',
        ` user_${username}="${password}"`
      ),
      ...Object.fromEntries(
        scram.map(name => [
          `listener.name.sasl_ssl.${name.toLowerCase()}.sasl.jaas.config`,
          login('scram.Scram')
        ])
      )
    },
    formatArguments: scram.flatMap(name => [
      '--add-scram',
      `${name}=[name="${username}",password="${password}"]`
    ])
  }
}
