import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { checkRoom, chooseWheel, setupTensorflow } from '#services/trainer/setup-tensorflow.ts'
import { addonFile, buildFolder, tensorflowVersion } from '#services/trainer/tensorflow-addon.ts'

const folder = mkdtempSync(join(tmpdir(), 'nextrie-setup-'))
afterAll(() => rmSync(folder, { recursive: true }))

const linux = { platform: 'linux', arch: 'x64', glibc: '2.36' } as const

describe('the wheel', () => {
  test('for the CPU of a Linux PC is the small one, of a fixed version', () => {
    const wheel = chooseWheel(linux, 'cpu')

    expect(wheel.requirement).toBe(`tensorflow-cpu==${tensorflowVersion}`)
    expect(wheel.platforms).toContain('manylinux_2_27_x86_64')
  })

  test('for arm64 is the package that is built for the CPU there', () => {
    const wheel = chooseWheel({ ...linux, arch: 'arm64' }, 'cpu')

    expect(wheel.requirement).toBe(`tensorflow==${tensorflowVersion}`)
    expect(wheel.platforms).toContain('manylinux_2_27_aarch64')
  })

  test('for a GPU brings the CUDA libraries along', () => {
    expect(chooseWheel(linux, 'gpu').requirement).toContain('[and-cuda]')
  })

  test.each([
    ['macOS', { ...linux, platform: 'darwin' }, 'darwin x64'],
    ['Windows', { ...linux, platform: 'win32' }, 'win32 x64'],
    ['Alpine', { ...linux, glibc: undefined }, 'glibc absent'],
    ['an old Linux', { ...linux, glibc: '2.17' }, 'glibc 2.17'],
    ['RISC-V', { ...linux, arch: 'riscv64' }, 'linux riscv64']
  ] as const)(
    'for %s does not exist, and the message says what runs instead',
    (_, machine, name) => {
      const choose = () => chooseWheel(machine, 'cpu')

      expect(choose).toThrow(name)
      expect(choose).toThrow('WebAssembly')
    }
  )
})

/** `npm run setup:tensorflow` itself is the last step of .ci/run: it needs the network and minutes. */
describe.runIf(process.platform === 'linux')('the program', () => {
  test('names all the tools that are missing, and how to install them', () => {
    const { status, stderr, cache } = setUp(folderWith({}))

    expect(status).toBe(1)
    expect(stderr).toContain('cannot run python3 -m pip, g++, make')
    for (const remedy of ['python3-pip', 'g++', 'make']) {
      expect(stderr).toContain(`apt-get install ${remedy}`)
    }
    expect(stderr).not.toContain('    at ') // a message for people, not a stack
    expect(readdirSync(cache)).toEqual([])
  })

  test('tells pip from Python', () => {
    const tools = folderWith({
      python3: 'echo No module named pip >&2; exit 1',
      'g++': '',
      make: ''
    })

    expect(setUp(tools).stderr).toMatch(/^cannot run python3 -m pip; .*install python3-pip\n$/)
  })

  test('shows what pip said when it fails, and leaves no half build', () => {
    const offline =
      'case "$3" in --version) exit 0;; esac; echo ERROR: no route to host >&2; exit 1'
    const tools = folderWith({ python3: offline, 'g++': '', make: '' })

    const { status, stderr, cache } = setUp(tools)

    expect(status).toBe(1)
    expect(stderr).toContain('python3 -m pip install')
    expect(stderr).toContain(`tensorflow-cpu==${tensorflowVersion} failed`)
    expect(stderr).toContain('no route to host')
    expect(readdirSync(cache)).toEqual([])
  })

  test('takes from the cache what was built before, and links it without any tool', () => {
    const packageFolder = folderWith({})
    const cache = folderWith({})
    writeFileSync(join(packageFolder, 'package.json'), '{ "version": "4.22.0" }')
    const build = buildFolder(cache, packageFolder, 'cpu')
    for (const file of [addonFile(build), join(build, 'deps', 'lib', 'libtensorflow_cc.so.2')]) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, 'built')
    }

    setupTensorflow('cpu', cache, packageFolder)

    expect(readFileSync(addonFile(packageFolder), 'utf8')).toBe('built')
  })
})

test('a disk that is too small is told before anything is fetched', () => {
  expect(() => checkRoom(folder, 1e9)).toThrow(/GB free and building needs 1000000000 GB.*--cache/)
  expect(() => checkRoom(folder, 0)).not.toThrow()
})

/** A folder with these shell scripts as its programs. */
function folderWith(scripts: Readonly<Record<string, string>>): string {
  const made = mkdtempSync(join(folder, 'made-'))
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(made, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  return made
}

/** Runs the program with these tools alone and an empty cache. */
function setUp(tools: string) {
  const cache = folderWith({})
  const program = fileURLToPath(import.meta.resolve('#services/trainer/setup-tensorflow.ts'))
  const args = ['--import', 'tsx', program, '--cache', cache]
  const options = { encoding: 'utf8', env: { PATH: tools } } as const
  const { status, stderr } = spawnSync(process.execPath, args, options)
  return { status, stderr, cache }
}
