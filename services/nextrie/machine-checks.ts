// What the doctor asks of the machine itself.
import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { promisify, stripVTControlCharacters } from 'node:util'
import { findPostgresPackage } from '#shared/database/postgres-package.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Finding } from './doctor.ts'

const oldestNode = [20, 19] as const

export async function checkNode(version: string): Promise<Finding> {
  const part = 'Node.js'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isNewEnough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  if (isNewEnough) return { part, health: 'ok', says: version }
  const remedy = `install ${oldestNode.join('.')} or newer, from https://nodejs.org`
  return { part, health: 'broken', says: `${version} is too old`, remedy }
}

/** A first start leaves 0.3 GB; a log of a million events some more. */
const neededGigabytes = 1

export async function checkDisk(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder)
  const gigabytes = (bavail * bsize) / 1e9
  const says = `${gigabytes.toFixed(1)} GB free in ${folder}`
  if (gigabytes >= neededGigabytes) return { part: 'disk', health: 'ok', says }
  return {
    part: 'disk',
    health: 'broken',
    says,
    remedy: `make room: ${neededGigabytes} GB is needed`
  }
}

/** The server that `nextrie start` uses; a Postgres of one's own needs no package. */
export async function checkPostgresPackage(isNeeded: boolean): Promise<Finding> {
  const part = 'embedded Postgres'
  try {
    const { version } = await findPostgresPackage()
    return { part, health: 'ok', says: `installed, ${version}` }
  } catch (error) {
    if (!(error instanceof RecommenderError)) throw error
    return { part, health: isNeeded ? 'broken' : 'absent', says: error.message }
  }
}

/** Only the tests that start a Kafka broker need Java. */
export async function checkJava(): Promise<Finding> {
  const part = 'Java (for tests)'
  const [java, maven] = await Promise.all([firstLine('java'), firstLine('mvn')])
  if (java && maven) return { part, health: 'ok', says: `${java}; ${maven}` }
  return {
    part,
    health: 'absent',
    says: `${java ? 'mvn' : 'java'} cannot be run: tests with a Kafka broker are skipped`,
    remedy: 'apt-get install default-jre-headless maven'
  }
}

async function firstLine(command: string): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, ['-version'])
    return stripVTControlCharacters((stdout || stderr).split('\n')[0] ?? '')
  } catch {
    return undefined // not installed is an answer here
  }
}
