// `npm run build`: compiles each program to one file in dist/, with the files it reads beside it, so
// that production starts without a compiler. npm packages stay outside (`npm ci --omit=dev`): some
// are native, some read their own files, and a security fix in one should not need our build.
//
// The sources name each file that they need at run time as `new URL('./name', import.meta.url)`. A
// worker thread (`<name>-worker.ts`) becomes a program of its own, any other file or folder is copied,
// and the name is changed to where it then lies: in dist/ itself.
import { cp, readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = join(root, 'dist')

/** What is started by name; services/nextrie/programs.ts knows the same names. */
const programs: Readonly<Record<string, string>> = {
  nextrie: 'services/nextrie/main.ts',
  ingestion: 'services/ingestion/main.ts',
  trainer: 'services/trainer/main.ts',
  serving: 'services/serving/main.ts',
  'setup-tensorflow': 'services/trainer/setup-tensorflow.ts',
  'stop-with-parent': 'services/nextrie/stop-with-parent.ts'
}

/** The name in `new URL('…', import.meta.url)`. A slash at its end makes it a folder, and stays. */
const neededFile = /(?<=new URL\(')(\.[^']*?)(\/?)(?=', import\.meta\.url\))/g

const sources = await findSources()
const workers = sources.filter(path => path.endsWith('-worker.ts'))
const assets = await findAssets()
refuseSameNames([...workers, ...assets])

await rm(target, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: {
    ...programs,
    ...Object.fromEntries(workers.map(path => [basename(path, '.ts'), path]))
  },
  outdir: target,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  sourcemap: true,
  plugins: [renameNeededFiles()]
})
for (const path of assets) await cp(path, join(target, basename(path)), { recursive: true })
process.stdout.write(
  `${(await readdir(target)).filter(name => !name.endsWith('.map')).join('  ')}\n`
)

async function findSources(): Promise<string[]> {
  const folders = ['shared', 'services'].map(folder => join(root, folder))
  const names = await Promise.all(
    folders.map(async folder =>
      (await readdir(folder, { recursive: true })).map(name => join(folder, name))
    )
  )
  return names.flat().filter(name => name.endsWith('.ts'))
}

/** The files and folders, other than programs, that the sources name. */
async function findAssets(): Promise<string[]> {
  const found = new Set<string>()
  for (const file of sources) {
    for (const [relative] of (await readFile(file, 'utf8')).matchAll(neededFile)) {
      if (!relative.endsWith('.ts')) found.add(resolve(dirname(file), relative))
    }
  }
  return [...found]
}

function refuseSameNames(paths: readonly string[]): void {
  const names = paths
    .filter(path => basename(path) !== 'main.ts')
    .map(path => basename(path, '.ts'))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice) throw new Error(`two files would become dist/${twice}: rename one`)
}

function renameNeededFiles(): Plugin {
  return {
    name: 'rename-needed-files',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/](shared|services)[\\/].*\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8')
        return { loader: 'ts', contents: text.replaceAll(neededFile, inTarget) }
      })
    }
  }
}

function inTarget(_: string, relative: string, slash: string): string {
  const name = basename(relative)
  return `./${name.endsWith('.ts') ? `${basename(name, '.ts')}.mjs` : name}${slash}`
}
