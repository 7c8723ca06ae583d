"""Telethon, unchanged, against our data center.

Starts the data center it is given, signs in by code, by password, as a bot and by login token, and
lives through what a client lives through. Every step that takes longer than PATIENCE has failed.
"""

import asyncio
import json
import logging
import subprocess
import sys
import urllib.request

from telethon import TelegramClient, events, functions, types
from telethon.crypto import rsa
from telethon.errors import (
    FloodWaitError,
    PasswordHashInvalidError,
    PhoneCodeInvalidError,
    RPCError,
    SessionPasswordNeededError,
)
from telethon.sessions import MemorySession

PATIENCE = 60
ANNA, BERT, CARL = "9996610001", "9996620002", "9996610003"


class DataCenter:
    """The process and its control API."""

    def __init__(self, binary):
        self.process = subprocess.Popen([binary], stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.url, self.key = ready["control_url"], ready["control_key"]
        self.public_key, self.dcs = ready["public_key"], ready["dcs"]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def client(self, dc, **options):
        """A new, empty client that knows one data center."""
        session = MemorySession()
        host, port = self.dcs[dc - 1]["address"].rsplit(":", 1)
        session.set_dc(dc, host, int(port))
        options.setdefault("retry_delay", 0.2)
        return TelegramClient(session, 1, "hash", **options)


async def signed_in(dc, number, at=1):
    client = dc.client(at)
    await client.connect()
    sent = await client.send_code_request(number)
    await client.sign_in(number, number[5] * 5, phone_code_hash=sent.phone_code_hash)
    return client


async def contact(client, number):
    """Somebody, by phone number."""
    await client(functions.contacts.ImportContactsRequest([
        types.InputPhoneContact(0, "+" + number, "Carl", ""),
    ]))
    return await client.get_entity("+" + number)


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


async def messages(dc):
    """Sending, receiving, history, entities, editing, deleting, reading, a group."""
    anna, carl = await signed_in(dc, ANNA), await signed_in(dc, CARL)
    heard = asyncio.Queue()

    @carl.on(events.NewMessage(incoming=True))
    async def hear(event):
        await heard.put(event)

    await carl.get_me()
    friend = await contact(anna, CARL)
    sent = await anna.send_message(friend, "some **bold** words", parse_mode="md")
    event = await heard.get()
    assert event.raw_text == "some bold words"
    assert isinstance(event.message.entities[0], types.MessageEntityBold)
    long = "long " * 800
    await anna.send_message(friend, long)
    assert (await heard.get()).raw_text == long.strip()

    await event.reply("an answer")
    await carl.send_read_acknowledge(await event.get_input_chat())
    history = await anna.get_messages(friend, limit=10)
    assert history[0].raw_text == "an answer", [m.raw_text for m in history]
    assert history[0].reply_to.reply_to_msg_id == sent.id
    assert len(history) == 3 and history.total == 3
    found = await anna.get_messages(friend, search="BOLD")
    assert [m.id for m in found] == [sent.id]
    dialogs = await anna.get_dialogs()
    assert any(d.entity.id == friend.id for d in dialogs)

    await anna.edit_message(friend, sent.id, "other words")
    await anna.delete_messages(friend, [sent.id], revoke=True)
    left = await carl.get_messages(await event.get_input_chat(), limit=10)
    assert all(m.raw_text != "other words" for m in left)

    saved = await anna.send_message("me", "a note")
    assert (await anna.get_messages("me", limit=1))[0].id == saved.id

    await anna.disconnect()
    await carl.disconnect()


async def group(dc):
    """A basic group."""
    anna, carl = await signed_in(dc, ANNA), await signed_in(dc, CARL)
    heard = asyncio.Queue()

    @carl.on(events.NewMessage(incoming=True, pattern="in the group"))
    async def hear(event):
        await heard.put(event)

    await carl.get_me()
    friend = await contact(anna, CARL)
    made = await anna(functions.messages.CreateChatRequest([friend], "Two"))
    chat = made.updates.chats[0]
    await anna.send_message(chat, "in the group")
    event = await heard.get()
    assert event.chat_id == -chat.id
    full = await carl(functions.messages.GetFullChatRequest(chat.id))
    assert len(full.users) == 2
    await anna.disconnect()
    await carl.disconnect()


async def disconnects(dc):
    """The connection is cut: what was missed arrives, what was sent is sent once."""
    anna = await signed_in(dc, ANNA)
    heard = asyncio.Queue()

    @anna.on(events.NewMessage(incoming=True))
    async def hear(event):
        await heard.put(event.raw_text)

    me = await anna.get_me()
    carl = dc.ask("POST", "/accounts", {"phone": "9996610030"})
    write = lambda text: dc.ask(
        "POST", f"/accounts/{carl['id']}/messages", {"to": me.id, "text": text}
    )
    write("before")
    assert await heard.get() == "before"
    dc.ask("POST", "/datacenters/1/cut")
    write("meanwhile")
    # A new session: this client fetches what it missed when the next update shows the gap.
    await anna.get_me()
    write("after")
    assert [await heard.get(), await heard.get()] == ["meanwhile", "after"]

    rule = {"match": {"method": "messages.sendMessage", "times": 1}, "action": "disconnect"}
    dc.ask("POST", "/rules", rule)
    await anna.send_message("me", "through a disconnect")
    history = await anna.get_messages("me", limit=5)
    assert [m.raw_text for m in history].count("through a disconnect") == 1
    dc.ask("DELETE", "/rules")

    dc.ask("POST", "/datacenters/1/stop")
    dc.ask("POST", "/datacenters/1/start")
    await anna.get_me()
    write("after the stop")
    assert await heard.get() == "after the stop"
    await anna.disconnect()


async def refusals(dc):
    """Errors by rule come out as themselves; an unknown method is refused."""
    anna = await signed_in(dc, ANNA)
    rule = {
        "match": {"method": "messages.sendMessage", "times": 1},
        "action": {"rpcError": {"code": 420, "name": "FLOOD_WAIT_7"}},
    }
    dc.ask("POST", "/rules", rule)
    anna.flood_sleep_threshold = 0
    try:
        await anna.send_message("me", "too fast")
        raise AssertionError("the rule did nothing")
    except FloodWaitError as error:
        assert error.seconds == 7
    dc.ask("DELETE", "/rules")
    seen = dc.ask("GET", "/journal?method=messages.sendMessage&limit=1")["entries"]
    assert seen[0]["outcome"] == {"error": "FLOOD_WAIT_7"}, seen
    try:
        await anna(functions.account.GetContentSettingsRequest())
        raise AssertionError("an unknown method was answered")
    except RPCError as error:
        assert error.code == 400
    await anna.log_out()


SCENES = [
    by_code,
    by_code_elsewhere,
    by_password,
    as_bot,
    by_login_token,
    messages,
    group,
    disconnects,
    refusals,
]


async def main():
    logging.basicConfig(level=logging.CRITICAL)
    dc = DataCenter(sys.argv[1])
    rsa.add_key(dc.public_key, old=False)
    failed = 0
    wanted = sys.argv[2:]
    try:
        for scene in SCENES:
            if wanted and scene.__name__ not in wanted:
                continue
            try:
                await asyncio.wait_for(scene(dc), PATIENCE)
                print(f"telethon: {scene.__name__} ... ok", flush=True)
            except Exception as error:  # every scene is told, whatever became of the others
                failed += 1
                print(f"telethon: {scene.__name__} ... FAILED: {error!r}", flush=True)
                if not isinstance(error, TimeoutError):
                    logging.exception("trace", exc_info=error)
    finally:
        dc.process.terminate()
        dc.process.wait(10)
    if failed:
        sys.exit(f"{failed} scenes failed")


asyncio.run(main())
