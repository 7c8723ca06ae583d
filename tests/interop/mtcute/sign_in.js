// Every way in.

import assert from 'node:assert/strict'
import { ANNA, BERT, heard, signedIn } from './datacenter.js'

/** A wrong code is refused, the right one signs in. */
export async function by_code(dc) {
  const client = dc.client(1)
  await assert.rejects(client.getMe(), { text: 'AUTH_KEY_UNREGISTERED' })
  const { phoneCodeHash, length } = await client.sendCode({ phone: ANNA })
  assert.equal(length, 5)
  const enter = (phoneCode) => client.signIn({ phone: ANNA, phoneCodeHash, phoneCode })
  await assert.rejects(enter('99999'), { text: 'PHONE_CODE_INVALID' })
  const me = await enter('11111')
  assert.equal(me.phoneNumber, ANNA)
  assert.ok(me.isSelf)
  assert.equal((await client.getMe()).id, me.id)
}

/** A number of data center 2 asked for at 1: the client follows PHONE_MIGRATE. */
export async function by_code_elsewhere(dc) {
  const client = await signedIn(dc, BERT, 1)
  assert.equal(await client.getPrimaryDcId(), 2)
  assert.equal((await client.getMe()).phoneNumber, BERT)
}

/**
 * SRP: a wrong password is refused, the right one signs in; then it is changed, taken away and given
 * anew. The hint is there because this client cannot write a password's settings without one.
 */
export async function by_password(dc) {
  const phone = '9996610021'
  await dc.ask('POST', '/accounts', { phone, password: 'correct horse' })
  const client = dc.client(1)
  const { phoneCodeHash } = await client.sendCode({ phone })
  await assert.rejects(client.signIn({ phone, phoneCodeHash, phoneCode: '11111' }), {
    text: 'SESSION_PASSWORD_NEEDED',
  })
  await assert.rejects(client.checkPassword('wrong horse'), { text: 'PASSWORD_HASH_INVALID' })
  assert.equal((await client.checkPassword('correct horse')).phoneNumber, phone)
  await client.changeCloudPassword({ currentPassword: 'correct horse', newPassword: 'another horse', hint: 'h' })
  await client.logOut()

  const again = dc.client(1)
  const me = await again.start({
    phone,
    code: '11111',
    password: 'another horse',
    codeSentCallback: () => {},
  })
  assert.equal(me.phoneNumber, phone)
  await again.removeCloudPassword('another horse')
  await again.enableCloudPassword({ password: 'third horse', hint: 'h' })
}

/** A bot of data center 2 begins at 1, answers a user, and edits what it said. */
export async function as_bot(dc) {
  const { token } = await dc.ask('POST', '/accounts', { bot: true, username: 'mt_echo_bot', dc: 2 })
  const bot = dc.client(1)
  assert.ok((await bot.start({ botToken: token })).isBot)
  assert.equal(await bot.getPrimaryDcId(), 2)
  const asked = heard(bot.onNewMessage)

  const anna = await signedIn(dc, ANNA)
  const edited = heard(anna.onEditMessage)
  await anna.sendText('mt_echo_bot', 'hello')
  const message = await asked()
  const answer = await bot.sendText(message.chat.id, `you said ${message.text}`)
  await bot.editMessage({ message: answer, text: `you wrote ${message.text}` })
  assert.equal((await edited()).text, 'you wrote hello')
}

/** One session lets another in, over to the user's own data center. */
export async function by_login_token(dc) {
  const anna = await signedIn(dc, ANNA)
  const joining = dc.client(2)
  let accepted
  const me = await joining.signInQr({
    onUrlUpdated: (url) => {
      const token = Buffer.from(new URL(url).searchParams.get('token'), 'base64url')
      accepted = anna.call({ _: 'auth.acceptLoginToken', token })
    },
  })
  await accepted
  assert.equal(me.phoneNumber, ANNA)
  assert.equal(await joining.getPrimaryDcId(), 1)
  const { authorizations } = await anna.call({ _: 'account.getAuthorizations' })
  assert.equal(authorizations.filter((it) => it.current).length, 1)
  assert.ok(authorizations.length >= 2)
  await joining.logOut()
}

export const scenes = [by_code, by_code_elsewhere, by_password, as_bot, by_login_token]
