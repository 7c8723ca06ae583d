"""What every policy needs: the numbers of the contract, settings read into types, a log, and errors
that reach the gateway's log with their message."""

import functools
import traceback

from componentize_py_types import Err
from wit_world.exports import policy as contract  # the records of this plugin's kind
from wit_world.imports import log as _log


class Layer:
    TELEGRAM, NETWORK, TIMEOUT, GATEWAY = range(4)


class Execution:
    REFUSED, NEVER_SENT, MAYBE_EXECUTED = range(3)


class AccountKind:
    USER, BOT = range(2)


class Category:
    (RATE_LIMIT, AUTH, PERMISSION, NOT_FOUND, INVALID_REQUEST, CONFLICT,
     MIGRATION, NETWORK, TIMEOUT, SERVER, POLICY, INTERNAL) = range(12)


class WaitScope:
    CALL, CHAT, METHOD, ACCOUNT, DATACENTER = range(5)


class Severity:
    INFO, WARNING, ERROR, CRITICAL = range(4)


class SampleKind:
    COUNTER, GAUGE, SUMMARY = range(3)


class log:
    """Lines in the gateway's log: 1,024 bytes each, 16 for each question."""

    debug = functools.partial(_log.write, 0)
    info = functools.partial(_log.write, 1)
    warning = functools.partial(_log.write, 2)
    error = functools.partial(_log.write, 3)


class Settings:
    """The operator's settings; each is read by its name, with what holds when it is left out."""

    def __init__(self, pairs):
        self._given = dict(pairs)
        self._asked = []

    def number(self, name, otherwise, least, most):
        def read(text):
            number = float(text) if "." in text else int(text)
            if not least <= number <= most:
                raise ValueError
            return number

        return self._read(name, otherwise, f"a number from {least} to {most}", read)

    def text(self, name, otherwise):
        return self._read(name, otherwise, "a text", str)

    def flag(self, name, otherwise):
        words = {"true": True, "false": False}
        return self._read(name, otherwise, "true or false", words.__getitem__)

    def _read(self, name, otherwise, what, read):
        self._asked.append(name)
        if name not in self._given:
            return otherwise
        text = self._given[name]
        try:
            return read(text)
        except (ValueError, KeyError):
            raise ValueError(f"{name} is {what}, not {text!r}") from None

    def finish(self):
        for name in self._given:
            if name not in self._asked:
                known = f"; there are {', '.join(self._asked)}" if self._asked else ": this policy has none"
                raise ValueError(f"unknown setting {name!r}{known}")


class Policy:
    """A policy: `take` reads its settings, and a method marked with `answers` is asked."""

    _ready = False

    def take(self, settings):
        """Reads the settings; a policy without any leaves this out."""

    def configure(self, pairs):
        try:
            self._make(pairs)
        except Exception as error:
            # The error of the contract; anything else would be a trap.
            raise Err(str(error)) from None

    def _make(self, pairs):
        settings = Settings(pairs)
        self.take(settings)
        settings.finish()
        self._ready = True


def answers(method):
    """Marks the one method of a policy that is asked."""

    @functools.wraps(method)
    def asked(self, question):
        try:
            if not self._ready:
                self._make([])
            return method(self, question)
        except Exception as error:
            log.error(f"panicked: {error!r}\n{traceback.format_exc()}")
            raise

    return asked
