// `npm run bench -- NAME [--option value …] [--json]`: runs test/benchmarks/NAME.ts, whose `run`
// measures something and returns its figures; without NAME it lists what can be run.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { type BenchOptions, type Figure, judge, reportText } from './report.ts'

interface Bench {
  run(options: BenchOptions): Promise<readonly Figure[]>
}

const [name, ...rest] = process.argv.slice(2)
if (name === undefined || name.startsWith('-')) write(listBenches())
else if (existsSync(fileOf(name))) await runBench(name, readOptions(rest))
else {
  process.stderr.write(`there is no benchmark ${name}\n\n${listBenches()}\n`)
  process.exitCode = 1
}

async function runBench(bench: string, { json, ...options }: BenchOptions): Promise<void> {
  const { run } = (await import(fileOf(bench).href)) as Bench
  const startedAt = performance.now()
  const figures = await run(options)
  const seconds = (performance.now() - startedAt) / 1000
  const report = { bench, options, seconds, figures: figures.map(judge) }
  write(json ? JSON.stringify(report) : reportText(report))
}

/** `--name value`, or `--name` alone for true. */
function readOptions(words: readonly string[]): BenchOptions {
  const options: Record<string, string | true> = {}
  for (let i = 0; i < words.length; i++) {
    const [word = '', next] = [words[i], words[i + 1]]
    if (!word.startsWith('--')) throw new Error(`${word} should be an option, as --json`)
    const hasValue = next !== undefined && !next.startsWith('--')
    options[word.slice(2)] = hasValue ? next : true
    if (hasValue) i++
  }
  return options
}

/** Every file of this folder that exports `run`, with the first line of its own description. */
function listBenches(): string {
  const benches = readdirSync(new URL('.', import.meta.url))
    .filter(file => file.endsWith('.ts'))
    .map(file => ({ file, text: readFileSync(new URL(file, import.meta.url), 'utf8') }))
    .filter(({ text }) => /^export (async )?(function|const) run\b/m.test(text))
    .map(({ file, text }) => `  ${file.slice(0, -3)}  ${text.split('\n')[0]?.replace('// ', '')}`)
  return ['npm run bench -- NAME [--option value …] [--json]', ...benches].join('\n')
}

function fileOf(bench: string): URL {
  return new URL(`./${bench}.ts`, import.meta.url)
}

function write(text: string): void {
  process.stdout.write(`${text}\n`)
}
