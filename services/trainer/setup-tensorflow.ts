// `npm run setup:tensorflow [-- --gpu]`: builds TensorFlow's native addon for the trainer, which runs
// without it, several times slower, on WebAssembly. pip brings the library, node-gyp compiles the
// addon against it, and both stay in a cache, so that a repeat after `npm ci` takes a second.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { RecommenderError } from '#shared/runtime/errors.ts'
import {
  addonCache,
  addonPackageFolder,
  buildFolder,
  isTensorflowAddonBuilt,
  linkAddon,
  loadTensorflowAddon,
  napiVersion,
  relinkAddon,
  type TensorflowVariant,
  tensorflowVersion
} from './tensorflow-addon.ts'

/** What decides which wheel fits: a Node process says all of it about itself. */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly arch: string
  /** Version of the C library, `undefined` where it is not glibc (Alpine). */
  readonly glibc: string | undefined
}

export interface Wheel {
  /** What pip is asked for. */
  readonly requirement: string
  /** pip's name of the machine. */
  readonly platforms: readonly string[]
  /** Room that downloading, unpacking and building needs. */
  readonly gigabytes: number
}

/**
 * Chooses the wheel.
 *
 * @throws SETUP_FAILED where TensorFlow publishes none that this addon can be built on.
 */
export function chooseWheel(machine: Machine, variant: TensorflowVariant): Wheel {
  const tags: Partial<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }
  const tag = tags[machine.arch]
  const [major = 0, minor = 0] = (machine.glibc ?? '').split('.').map(Number)
  const isOldLibrary = major < 2 || (major === 2 && minor < 27)
  if (machine.platform !== 'linux' || !tag || isOldLibrary) {
    const library = machine.platform === 'linux' ? ` with glibc ${machine.glibc ?? 'absent'}` : ''
    throw failed(
      `TensorFlow's native addon needs Linux on x64 or arm64 with glibc 2.27 or newer; this is ` +
        `${machine.platform} ${machine.arch}${library}. The trainer uses WebAssembly here; for more ` +
        'speed train in the trainer image (deploy/README.md).'
    )
  }
  const platforms = [`manylinux_2_27_${tag}`, `manylinux_2_17_${tag}`, `manylinux2014_${tag}`]
  if (variant === 'gpu') {
    return { requirement: `tensorflow[and-cuda]==${tensorflowVersion}`, platforms, gigabytes: 16 }
  }
  // On arm64 the package `tensorflow` itself is built for the CPU.
  const name = tag === 'x86_64' ? 'tensorflow-cpu' : 'tensorflow'
  return { requirement: `${name}==${tensorflowVersion}`, platforms, gigabytes: 3 }
}

/** Builds the addon, or takes it from the cache, and links it into the package. */
export function setupTensorflow(
  variant: TensorflowVariant,
  cache: string,
  packageFolder = addonPackageFolder()
): void {
  if (!packageFolder) throw failed('@tensorflow/tfjs-node-gpu is not installed: run `npm ci` first')
  const wheel = chooseWheel(thisMachine(), variant)
  const build = buildFolder(cache, packageFolder, variant)
  if (isTensorflowAddonBuilt(build)) say(`found the addon in ${build}`)
  else buildAddon({ packageFolder, wheel, variant, build })
  linkAddon(build, packageFolder)
  say(`linked into ${packageFolder}`)
}

interface Build {
  readonly packageFolder: string
  readonly wheel: Wheel
  readonly variant: TensorflowVariant
  readonly build: string
}

/** Works in a folder of its own and renames it at the end: an interrupted build leaves no half. */
function buildAddon({ packageFolder, wheel, variant, build }: Build): void {
  mkdirSync(dirname(build), { recursive: true })
  checkTools()
  checkRoom(dirname(build), wheel.gigabytes)
  const work = mkdtempSync(`${build}-`)
  try {
    timed(`${wheel.requirement} downloaded`, () =>
      downloadWheel(wheel, variant, join(work, 'site'))
    )
    layOut(join(work, 'site'), work)
    cpSync(join(packageFolder, 'binding.gyp'), join(work, 'binding.gyp'))
    cpSync(join(packageFolder, 'binding'), join(work, 'binding'), { recursive: true })
    timed('addon compiled', () => compile(work))
    for (const name of ['site', 'build', 'binding', 'binding.gyp', 'deps/include']) {
      rmSync(join(work, name), { recursive: true, force: true })
    }
    rmSync(build, { recursive: true, force: true })
    chmodSync(work, 0o755) // mkdtemp made it private; another user may train
    renameSync(work, build)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function checkTools(): void {
  const tools: readonly [command: string, args: readonly string[], remedy: string][] = [
    ['python3', ['-m', 'pip', '--version'], 'apt-get install python3-pip'],
    ['g++', ['--version'], 'apt-get install g++'],
    ['make', ['--version'], 'apt-get install make']
  ]
  const missing = tools.filter(([command, args]) => spawnSync(command, args).status !== 0)
  if (missing.length === 0) return
  const names = missing.map(([command, args]) => [command, ...args.slice(0, -1)].join(' '))
  const remedies = missing.map(([, , remedy]) => remedy)
  throw failed(`cannot run ${names.join(', ')}; on Debian and Ubuntu: ${remedies.join('; ')}`)
}

/** @throws SETUP_FAILED when the folder's disk has less room. */
export function checkRoom(folder: string, gigabytes: number): void {
  const { bavail, bsize } = statfsSync(folder)
  const free = (bavail * bsize) / 1e9
  if (free >= gigabytes) return
  throw failed(
    `${folder} has ${free.toFixed(1)} GB free and building needs ${gigabytes} GB; ` +
      'make room, or name another folder with --cache'
  )
}

/** pip unpacks the wheel of a fixed Python version: only C libraries are used, whatever runs pip. */
function downloadWheel(wheel: Wheel, variant: TensorflowVariant, site: string): void {
  const platforms = wheel.platforms.flatMap(platform => ['--platform', platform])
  const fixed = ['--python-version', '3.12', '--implementation', 'cp', '--only-binary=:all:']
  const quiet = ['--quiet', '--no-compile', '--no-warn-conflicts']
  const dependencies = variant === 'gpu' ? [] : ['--no-deps'] // the CUDA libraries
  const what = [...dependencies, ...platforms, '--target', site, wheel.requirement]
  run('python3', ['-m', 'pip', 'install', ...quiet, ...fixed, ...what], site)
}

/** Moves what the addon needs to where binding.gyp looks for it. */
function layOut(site: string, work: string): void {
  const deps = join(work, 'deps')
  const lib = join(deps, 'lib')
  mkdirSync(lib, { recursive: true })
  renameSync(join(site, 'tensorflow', 'include'), join(deps, 'include'))
  for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
    renameSync(join(site, 'tensorflow', name), join(lib, name))
  }
  symlinkSync('libtensorflow_cc.so.2', join(lib, 'libtensorflow.so'))
  symlinkSync('libtensorflow_framework.so.2', join(lib, 'libtensorflow_framework.so'))
  // TensorFlow looks for CUDA in ../nvidia, seen from its own folder.
  const cuda = join(site, 'nvidia')
  if (existsSync(cuda)) renameSync(cuda, join(deps, 'nvidia'))
}

function compile(work: string): void {
  const [command, ...first] = nodeGyp()
  const target = [
    `--napi_build_version=${napiVersion}`,
    '--module_name=tfjs_binding',
    `--module_path=${join(work, 'lib', `napi-v${napiVersion}`)}`
  ]
  run(command, [...first, 'rebuild', ...nodeHeaders(), ...target], work)
}

/** npm brings node-gyp along; without npm beside Node, npx fetches it. */
function nodeGyp(): [string, ...string[]] {
  const bundled = '../lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js'
  const file = join(dirname(process.execPath), bundled)
  return existsSync(file) ? [process.execPath, file] : ['npx', '--yes', 'node-gyp']
}

/** Node's own headers where they are installed, so that node-gyp has nothing to download. */
function nodeHeaders(): string[] {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include/node/common.gypi')) ? [`--nodedir=${prefix}`] : []
}

function run(command: string, args: readonly string[], folder: string): void {
  mkdirSync(folder, { recursive: true })
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28
  })
  if (status === 0) return
  const lines = `${stdout}${stderr}`.trim().split('\n').slice(-20).join('\n')
  throw failed(
    `${command} ${args.join(' ')} failed${error ? ` (${error.message})` : ''}:\n${lines}`
  )
}

function thisMachine(): Machine {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return { platform: process.platform, arch: process.arch, glibc: header.glibcVersionRuntime }
}

/** Starts this program again with --check: a faulty addon ends the process that loads it. */
function checkInOtherProcess(): void {
  const program = [...process.execArgv, fileURLToPath(import.meta.url), '--check']
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, program, {
    encoding: 'utf8'
  })
  if (status !== 0) {
    throw failed(`the addon does not work (${signal ?? `exit ${status}`}):\n${stderr.trim()}`)
  }
  say(stdout.trim())
}

/** Multiplies matrices of ones, so that every entry of the product is their size. */
function checkAddon(): string {
  if (!relinkAddon()) {
    throw failed("TensorFlow's native addon is not built: run `npm run setup:tensorflow`")
  }
  const tf = loadTensorflowAddon()
  const size = 1024
  const rounds = 10
  return tf.tidy(() => {
    const ones = tf.ones([size, size])
    const product = tf.matMul(ones, ones).dataSync() // also wakes up the device
    if (product.some(value => value !== size)) throw failed('the addon multiplies wrongly')
    const startedAt = performance.now()
    for (let i = 0; i < rounds; i++) tf.matMul(ones, ones).dataSync()
    const seconds = (performance.now() - startedAt) / 1000
    const gigaflops = Math.round((rounds * 2 * size ** 3) / seconds / 1e9)
    return `TensorFlow's native addon works: ${gigaflops} GFLOPS multiplying matrices`
  })
}

function failed(message: string): RecommenderError {
  return new RecommenderError('SETUP_FAILED', message)
}

function timed(what: string, act: () => void): void {
  const startedAt = performance.now()
  act()
  say(`${what} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Only when started as a program, not when a test imports the choice of the wheel. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      gpu: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      cache: { type: 'string', default: addonCache }
    }
  })
  try {
    if (values.check) say(checkAddon())
    else {
      setupTensorflow(values.gpu ? 'gpu' : 'cpu', values.cache)
      checkInOtherProcess()
    }
  } catch (error) {
    if (!(error instanceof RecommenderError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
