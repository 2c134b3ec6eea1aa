// Python with packages from PyPI, for benchmarks that measure what others use. It is made once, in a
// folder of its own in the product's cache, and named after its packages.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** What all benchmarks share, so that PyTorch is fetched once. */
export const pythonPackages = ['torch==2.9.*', 'transformers==4.57.*'] as const

/** PyTorch's own index has a build without CUDA, a tenth as large; PyPI has the other. */
const torchIndex = 'https://download.pytorch.org/whl/cpu'

/** A virtual environment with `pythonPackages`, or why there is none. */
export async function preparePython(): Promise<
  { readonly path: string } | { readonly missing: string }
> {
  const name = createHash('sha256').update(pythonPackages.join(' ')).digest('hex').slice(0, 12)
  const folder = join(homedir(), '.cache', 'nextrie', `python-${name}`)
  const path = join(folder, 'bin', 'python3')
  const marker = join(folder, 'complete')
  if (existsSync(marker)) return { path }
  process.stderr.write(`installing ${pythonPackages.join(' and ')} in ${folder}\n`)
  try {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    await runProgram('python3', ['-m', 'venv', folder])
    await install(path)
    await writeFile(marker, '')
    return { path }
  } catch (error) {
    return { missing: (error as Error).message }
  }
}

async function install(python: string): Promise<void> {
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-input']
  const [torch, ...others] = pythonPackages
  try {
    await runProgram(python, [...pip, '--retries', '0', torch, '--index-url', torchIndex])
  } catch {
    process.stderr.write(`${torchIndex} cannot be reached, taking torch from PyPI\n`)
    await runProgram(python, [...pip, torch])
  }
  await runProgram(python, [...pip, ...others])
  await runProgram(python, ['-c', 'import torch, transformers'])
}

/** What a program writes to standard output. @throws Error with the end of its complaint. */
export async function runProgram(
  file: string,
  args: readonly string[],
  input = ''
): Promise<string> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  child.stdin.on('error', () => {}) // a program that ends early: its exit code tells
  child.stdin.end(input)
  const [output, complaint, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended
  ])
  if (code === 0) return output
  const what = [file, ...args.slice(0, 4)].join(' ')
  throw new Error(`${what} ended with ${code}: ${complaint.trim().slice(-500)}`)
}
