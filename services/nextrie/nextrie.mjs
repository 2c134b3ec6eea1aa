#!/usr/bin/env node
// The command `nextrie` in a checkout: teaches Node to read TypeScript, then starts the program.
// The production bundle (deploy/bundle.ts) has main.ts compiled under this file's name instead.
import { register } from 'tsx/esm/api'

register()
await import('./main.ts')
