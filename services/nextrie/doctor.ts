// `nextrie doctor`: looks at every part that the product needs or can use, in the order in which they
// are needed, and says how to mend what is not right. It changes nothing.
import type { Environment } from '#shared/runtime/config.ts'
import { urlOf } from '#shared/runtime/url-of.ts'
import type { DoctorConfig } from './config.ts'
import { checkDisk, checkJava, checkNode, checkPostgresPackage } from './machine-checks.ts'
import { startProgram } from './programs.ts'
import { checkDatabase, checkKafka, checkServing } from './service-checks.ts'

/** `absent` is something that can be done without, or that nobody has asked for. */
export type Health = 'ok' | 'absent' | 'broken'

export interface Finding {
  readonly part: string
  readonly health: Health
  /** What was found. */
  readonly says: string
  /** What to do about it; nothing when all is well. */
  readonly remedy?: string
}

/** Runs all checks at once; none takes more than some seconds. */
export async function examine(config: DoctorConfig, environment: Environment): Promise<Finding[]> {
  const findings = await Promise.all([
    checkNode(process.versions.node),
    checkDisk(process.cwd()),
    checkPostgresPackage(config.databaseUrl === undefined),
    checkDatabase(config.databaseUrl),
    checkTensorflow(environment),
    checkKafka(config.kafkaBrokers),
    checkServing(urlOf(config)),
    checkJava()
  ])
  return findings.flat()
}

/** False when something that is needed, or that was configured, does not work. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ health }) => health !== 'broken')
}

const marks: Readonly<Record<Health, string>> = { ok: 'ok', absent: '-', broken: 'BROKEN' }

/** A line for each part, with its remedy below it. */
export function describeFindings(findings: readonly Finding[]): string {
  const widest = Math.max(...findings.map(({ part }) => part.length))
  return findings
    .flatMap(({ part, health, says, remedy }) => {
      const line = `${marks[health].padEnd(6)}  ${part.padEnd(widest)}  ${says}`
      return remedy ? [line, `${' '.repeat(widest + 10)}${remedy}`] : [line]
    })
    .join('\n')
}

/** Loads the addon in a process of its own: a faulty one would end this process. */
async function checkTensorflow(environment: Environment): Promise<Finding> {
  const part = 'TensorFlow'
  const args = ['--check']
  const { process: child, exited } = startProgram({
    name: 'setup-tensorflow',
    args,
    environment,
    output: 'pipe'
  })
  let said = ''
  child.stdout?.on('data', chunk => {
    said += chunk
  })
  if ((await exited) === 0) return { part, health: 'ok', says: said.trim() }
  return {
    part,
    health: 'absent',
    says: 'no native addon: training runs on WebAssembly, which is slower',
    remedy: 'npm run setup:tensorflow'
  }
}
