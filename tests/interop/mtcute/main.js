// mtcute, unchanged, against our data center.
//
// Starts the data center it is given, signs in by code, by password, as a bot and by login token,
// and lives through what a client lives through: a module per subject, each with its scenes. Every
// scene that takes longer than PATIENCE has failed. Arguments after the data center name scenes.

import { setTimeout as sleep } from 'node:timers/promises'
import { DataCenter } from './datacenter.js'
import * as channels from './channels.js'
import * as faults from './faults.js'
import * as files from './files.js'
import * as messages from './messages.js'
import * as signIn from './sign_in.js'
import * as ways from './ways.js'

const PATIENCE = 120_000
const SCENES = [signIn, messages, channels, files, ways, faults].flatMap((subject) => subject.scenes)

const [binary, ...wanted] = process.argv.slice(2)
const dc = await DataCenter.start(binary, ways.PROXIES)
// Whatever ends this process ends the data center too.
process.on('exit', () => dc.process.kill())
// The client's own: its update loop may ask for a difference once more after the client was
// destroyed, and nobody waits for the answer. Any other rejection ends the process.
process.on('unhandledRejection', (reason) => {
  const late = reason?.message === 'Client is destroyed' && reason.stack?.includes('UpdatesManager')
  if (!late) throw reason
})
let failed = 0
for (const scene of SCENES) {
  if (wanted.length && !wanted.includes(scene.name)) continue
  const patience = new AbortController()
  const late = sleep(PATIENCE, null, { signal: patience.signal }).then(
    () => { throw new Error('it takes too long') },
    () => {},
  )
  try {
    await Promise.race([scene(dc), late])
    console.log(`mtcute: ${scene.name} ... ok`)
  } catch (error) {
    failed += 1
    console.log(`mtcute: ${scene.name} ... FAILED:`, error)
  }
  patience.abort()
  await dc.hangUp()
}
await dc.stop()
if (failed) console.log(`${failed} scenes failed`)
process.exit(failed ? 1 : 0)
