// The data center under test: its process, its control API, clients of it.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryStorage } from '@mtcute/core'
import { TelegramClient } from '@mtcute/node'
import { NodeCryptoProvider } from '@mtcute/node/utils.js'
import { addPublicKey } from '@mtcute/core/utils.js'

export const [ANNA, BERT, CARL] = ['9996610001', '9996620002', '9996610003']

export class DataCenter {
  static async start(binary, options) {
    const dc = new DataCenter()
    dc.process = spawn(binary, options, { stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface({ input: dc.process.stdout })) {
      Object.assign(dc, JSON.parse(line))
      break
    }
    const crypto = new NodeCryptoProvider()
    await crypto.initialize?.()
    addPublicKey(crypto, dc.public_key)
    dc.clients = new Set()
    return dc
  }

  async ask(method, path, body) {
    const answer = await fetch(this.control_url + path, {
      method,
      headers: { Authorization: `Bearer ${this.control_key}`, 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }

  /** A rule that is removed again when `during` has ended. */
  async withRule(rule, during) {
    const { id } = await this.ask('POST', '/rules', rule)
    try {
      return await during()
    } finally {
      await this.ask('DELETE', `/rules/${id}`)
    }
  }

  /** A new, empty client that knows one data center. */
  client(dc, options = {}) {
    const at = (address, more) => {
      const [, ipAddress, port] = /^(.*):(\d+)$/.exec(address)
      return { id: dc, ipAddress, port: Number(port), ...more }
    }
    const { address, media_address: media } = this.dcs[dc - 1]
    const client = new TelegramClient({
      apiId: 1,
      apiHash: 'hash',
      storage: new MemoryStorage(),
      defaultDcs: { main: at(address), media: at(media, { mediaOnly: true }) },
      logLevel: Number(process.env.MTCUTE_LOG ?? 0),
      ...options,
    })
    // What goes wrong in the background is somebody's mistake too, until the client is ended. One is
    // this client's own: it hashes an auth key without its leading zeros, so that one exchange of 256
    // fails; then it makes another.
    client.onError.add((error) => {
      if (this.clients.has(client) && !/invalid nonce hash/.test(error)) console.error('mtcute:', error)
    })
    this.clients.add(client)
    return client
  }

  /** Ends the clients that a scene has made. */
  async hangUp() {
    const clients = [...this.clients]
    this.clients.clear()
    await Promise.all(clients.map((client) => client.destroy()))
  }

  async stop() {
    await this.hangUp()
    const ended = new Promise((resolve) => { this.process.once('exit', resolve) })
    this.process.kill('SIGTERM')
    await ended
  }
}

/**
 * A client that is signed in and takes updates. It begins to take them only when it knows its state,
 * which it asks for by itself after it has signed in.
 *
 * This client asks to be disconnected (`ping_delay_disconnect`) a few seconds after it was busy, does
 * not ping again while it is idle, and so comes back on a new connection every now and then.
 */
export async function signedIn(dc, phone, at = 1, options) {
  const client = dc.client(at, options)
  const before = (await dc.ask('GET', '/journal?limit=1')).entries.at(-1)?.seq ?? 0
  const { id } = await client.start({ phone, code: phone[5].repeat(5), codeSentCallback: () => {} })
  const asked = `/journal?method=updates.getDifference&account=${id}&after=${before}&limit=1`
  while ((await dc.ask('GET', asked)).entries[0]?.outcome !== 'ok') await sleep(10)
  return client
}

/** Somebody, by phone number. */
export async function contact(client, phone) {
  const { users } = await client.importContacts([{ phone: `+${phone}`, firstName: 'Carl', lastName: '' }])
  return users[0].id
}

/** What an emitter gives, one after the other. */
export function heard(emitter, wanted = () => true) {
  const waiting = []
  const there = []
  emitter.add((event) => {
    if (!wanted(event)) return
    const next = waiting.shift()
    if (next) next(event)
    else there.push(event)
  })
  return () => new Promise((resolve) => {
    if (there.length) resolve(there.shift())
    else waiting.push(resolve)
  })
}
