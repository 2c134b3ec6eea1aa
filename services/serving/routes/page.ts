// The page at `/`: click through items and watch the next ones change. Static files, read once.
import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { App } from '../serving-parts.ts'

const mediaTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml'
}

/** Adds a route for each file of the folder (its URL ends in a slash); `index.html` is at `/`. */
export async function addPage(app: App, folder: URL): Promise<void> {
  for (const name of await readdir(folder)) {
    const mediaType = mediaTypes[extname(name)]
    if (!mediaType) throw new Error(`no media type for ${name}`)
    const content = await readFile(new URL(name, folder))
    const path = name === 'index.html' ? '/' : `/${name}`
    app.get(path, { schema: { hide: true } }, async (_, reply) =>
      reply.header('cache-control', 'no-cache').type(mediaType).send(content)
    )
  }
}
