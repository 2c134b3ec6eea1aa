import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { addonFile, isTensorflowAddonBuilt, linkAddon } from '#services/trainer/tensorflow-addon.ts'

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
