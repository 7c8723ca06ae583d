// What a client lives through: cuts, stops, refusals.

import assert from 'node:assert/strict'
import { ANNA, heard, signedIn } from './datacenter.js'

/** The connection is cut: what was missed arrives, what was sent is sent once. */
export async function disconnects(dc) {
  const anna = await signedIn(dc, '9996610051')
  const me = await anna.getMe()
  const hear = heard(anna.onNewMessage, (message) => message.chat.id !== me.id)
  const carl = await dc.ask('POST', '/accounts', { phone: '9996610031' })
  const write = (text) => dc.ask('POST', `/accounts/${carl.id}/messages`, { to: me.id, text })
  await write('before')
  assert.equal((await hear()).text, 'before')
  await dc.ask('POST', '/datacenters/1/cut')
  await write('meanwhile')
  // The same session on a new connection: this client fetches what it missed when the next update
  // shows the gap.
  await anna.getMe()
  await write('after')
  assert.deepEqual([(await hear()).text, (await hear()).text], ['meanwhile', 'after'])

  await dc.withRule({ match: { method: 'messages.sendMessage', times: 1 }, action: 'disconnect' }, () =>
    anna.sendText('me', 'through a disconnect'))
  const history = await anna.getHistory('me', { limit: 5 })
  assert.equal(history.filter((it) => it.text === 'through a disconnect').length, 1)

  await dc.ask('POST', '/datacenters/1/stop')
  await dc.ask('POST', '/datacenters/1/start')
  await anna.getMe()
  await write('after the stop')
  assert.equal((await hear()).text, 'after the stop')
}

/** Errors by rule come out as themselves; an unknown method is refused. */
export async function refusals(dc) {
  const anna = await signedIn(dc, ANNA)
  // Longer than what this client waits for by itself.
  const rule = {
    match: { method: 'messages.sendMessage', times: 1 },
    action: { rpcError: { code: 420, name: 'FLOOD_WAIT_30' } },
  }
  await dc.withRule(rule, async () => {
    await assert.rejects(anna.sendText('me', 'too fast'), (error) => error.seconds === 30)
    const { entries } = await dc.ask('GET', '/journal?method=messages.sendMessage&limit=1')
    assert.deepEqual(entries[0].outcome, { error: 'FLOOD_WAIT_30' })
  })
  await assert.rejects(anna.call({ _: 'account.getContentSettings' }), { code: 400 })
  await anna.logOut()
}

/** What happens to the packet of a call, or to its answer. */
const BENT = [
  { badMsg: 48 }, // bad_server_salt
  { badMsg: 16 },
  { badMsg: 17 },
  { badMsg: 32 },
  'loseAnswer',
  { cutAnswer: 17 },
  'repeatAnswer',
  'replayAnswer',
  'holdAnswer',
  'disconnect', // the session is forgotten
]

/** Whatever becomes of a call's packet or answer, it is done once, and so is the next. */
export async function after_faults(dc) {
  const anna = await signedIn(dc, '9996610221')
  for (const [number, action] of BENT.entries()) {
    const match = { method: 'messages.sendMessage', times: 1 }
    await dc.withRule({ match, action }, () => anna.sendText('me', `bent ${number}`))
    await anna.sendText('me', `straight ${number}`)
    const history = (await anna.getHistory('me', { limit: 10 })).map((it) => it.text)
    for (const text of [`bent ${number}`, `straight ${number}`]) {
      assert.equal(history.filter((it) => it === text).length, 1, `${JSON.stringify(action)}: ${history}`)
    }
  }
}

export const scenes = [disconnects, refusals, after_faults]
