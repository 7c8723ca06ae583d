"""Every way in."""

import asyncio

from datacenter import ANNA, BERT, signed_in
from telethon import events, functions
from telethon.errors import (
    PasswordHashInvalidError,
    PhoneCodeInvalidError,
    SessionPasswordNeededError,
)


async def by_code(dc):
    """A wrong code is refused, the right one signs in."""
    client = dc.client(1)
    await client.connect()
    assert not await client.is_user_authorized()
    sent = await client.send_code_request(ANNA)
    assert sent.type.length == 5
    try:
        await client.sign_in(ANNA, "99999", phone_code_hash=sent.phone_code_hash)
        raise AssertionError("a wrong code signed in")
    except PhoneCodeInvalidError:
        pass
    me = await client.sign_in(ANNA, "11111", phone_code_hash=sent.phone_code_hash)
    assert me.phone == ANNA and me.is_self
    assert (await client.get_me()).id == me.id
    await client.disconnect()


async def by_code_elsewhere(dc):
    """A number of data center 2 asked for at 1: the client follows PHONE_MIGRATE."""
    client = await signed_in(dc, BERT, at=1)
    assert client.session.dc_id == 2, client.session.dc_id
    assert (await client.get_me()).phone == BERT
    await client.disconnect()


async def by_password(dc):
    """SRP: a wrong password is refused, the right one signs in; then it is taken away again."""
    number = "9996610020"
    dc.ask("POST", "/accounts", {"phone": number, "password": "correct horse"})
    client = dc.client(1)
    await client.connect()
    sent = await client.send_code_request(number)
    try:
        await client.sign_in(number, "11111", phone_code_hash=sent.phone_code_hash)
        raise AssertionError("the password was not asked for")
    except SessionPasswordNeededError:
        pass
    try:
        await client.sign_in(password="wrong horse")
        raise AssertionError("a wrong password signed in")
    except PasswordHashInvalidError:
        pass
    me = await client.sign_in(password="correct horse")
    assert me.phone == number
    await client.edit_2fa("correct horse", None)
    await client.edit_2fa(None, "another horse")
    await client.log_out()

    client = dc.client(1)
    await client.connect()
    sent = await client.send_code_request(number)
    try:
        await client.sign_in(number, "11111", phone_code_hash=sent.phone_code_hash)
    except SessionPasswordNeededError:
        pass
    assert (await client.sign_in(password="another horse")).phone == number
    await client.disconnect()


async def as_bot(dc):
    """A bot of data center 2 begins at 1, answers a user, and edits what it said."""
    bot = dc.ask("POST", "/accounts", {"bot": True, "username": "echo_bot", "dc": 2})
    client = dc.client(1)
    await client.start(bot_token=bot["token"])
    assert client.session.dc_id == 2
    assert (await client.get_me()).bot

    @client.on(events.NewMessage(incoming=True))
    async def echo(event):
        answer = await event.respond("you said " + event.raw_text)
        await answer.edit("you wrote " + event.raw_text)

    anna = await signed_in(dc, ANNA)
    edited = asyncio.get_running_loop().create_future()

    @anna.on(events.MessageEdited(incoming=True))
    async def seen(event):
        edited.set_result(event.raw_text)

    await anna.get_me()
    await anna.send_message("echo_bot", "hello")
    assert await edited == "you wrote hello"
    await anna.disconnect()
    await client.disconnect()


async def by_login_token(dc):
    """One session lets another in, over to the user's own data center."""
    anna = await signed_in(dc, ANNA)
    new = dc.client(2)
    await new.connect()
    qr = await new.qr_login()
    waiting = asyncio.ensure_future(qr.wait(timeout=20))
    await asyncio.sleep(0)
    await anna(functions.auth.AcceptLoginTokenRequest(qr.token))
    me = await waiting
    assert me.phone == ANNA and new.session.dc_id == 1
    listed = await anna(functions.account.GetAuthorizationsRequest())
    assert sum(a.current for a in listed.authorizations) == 1
    assert len(listed.authorizations) >= 2
    await new.log_out()
    await anna.disconnect()


SCENES = [by_code, by_code_elsewhere, by_password, as_bot, by_login_token]
