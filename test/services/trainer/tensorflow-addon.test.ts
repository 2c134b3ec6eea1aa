import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  addonFile,
  buildFolder,
  isTensorflowAddonBuilt,
  linkAddon,
  relinkAddon
} from '#services/trainer/tensorflow-addon.ts'

const folder = mkdtempSync(join(tmpdir(), 'nextrie-addon-'))
afterAll(() => rmSync(folder, { recursive: true }))

function makeBuild(name: string): string {
  const build = join(folder, name)
  const library = join(build, 'deps', 'lib', 'libtensorflow_cc.so.2')
  for (const file of [addonFile(build), library]) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, name)
  }
  return build
}

test('an addon is built when both it and its library are there', () => {
  const build = makeBuild('whole')
  expect(isTensorflowAddonBuilt(build)).toBe(true)

  rmSync(join(build, 'deps'), { recursive: true })
  expect(isTensorflowAddonBuilt(build)).toBe(false)
})

test('linking replaces what the package had, a real folder or an older link', () => {
  const packageFolder = join(folder, 'package')
  mkdirSync(join(packageFolder, 'lib'), { recursive: true })
  writeFileSync(join(packageFolder, 'lib', 'left-over'), '')

  linkAddon(makeBuild('first'), packageFolder)
  linkAddon(makeBuild('second'), packageFolder)

  expect(isTensorflowAddonBuilt(packageFolder)).toBe(true)
  expect(readFileSync(addonFile(packageFolder), 'utf8')).toBe('second')
})

test('a clean install, which removes the link, is survived: what was built is linked again', () => {
  const [packageFolder, cache] = [join(folder, 'clean'), join(folder, 'cache')]
  const install = () => {
    rmSync(packageFolder, { recursive: true, force: true })
    mkdirSync(packageFolder)
    writeFileSync(join(packageFolder, 'package.json'), '{ "version": "4.22.0" }')
  }

  install()
  expect(relinkAddon(packageFolder, cache)).toBe(false) // never built

  makeBuild(buildFolder('cache', packageFolder, 'cpu'))
  install()
  expect(relinkAddon(packageFolder, cache)).toBe(true)
  expect(readFileSync(addonFile(packageFolder), 'utf8')).toContain('-cpu-')

  makeBuild(buildFolder('cache', packageFolder, 'gpu'))
  expect(relinkAddon(packageFolder, cache)).toBe(true)
  expect(readFileSync(addonFile(packageFolder), 'utf8')).toContain('-cpu-') // it was in place

  install()
  expect(relinkAddon(packageFolder, cache)).toBe(true)
  expect(readFileSync(addonFile(packageFolder), 'utf8')).toContain('-gpu-')
})

test('an addon of another version of the package is not linked', () => {
  const packageFolder = join(folder, 'newer')
  mkdirSync(packageFolder)
  writeFileSync(join(packageFolder, 'package.json'), '{ "version": "5.0.0" }')

  expect(relinkAddon(packageFolder, join(folder, 'cache'))).toBe(false)
})
