"""A gateway with a Telegram of its own: `sluice demo`."""

import json
import subprocess
import time
import urllib.error
import urllib.request

PATIENCE = 120


class Demo:
    def __init__(self, binary, data, cache, env):
        # What `plugin check` has compiled need not be compiled again.
        data.mkdir()
        (data / "plugin-cache").symlink_to(cache)
        self.log = open(data.parent / "demo.log", "w")
        self.process = subprocess.Popen(
            [binary, "demo", "--listen", "127.0.0.1:0", "--data", data],
            env=env,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        ready = json.loads(self.process.stdout.readline())
        self.url, self.admin_url, self.key = ready["url"], ready["admin_url"], ready["admin_key"]
        self.control = ready["datacenter"]
        self.plugins = data / "plugins"

    def end(self):
        self.process.terminate()
        assert self.process.wait(60) == 0, "the demo did not end well"
        self.log.close()

    def ask(self, method, url, body=None, key=None):
        """Status and body of an answer."""
        request = urllib.request.Request(
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {key or self.key}",
                "Content-Type": "application/json",
                "X-Timeout": "30",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as problem:
            return problem.code, problem.read().decode()

    def send(self, error=None):
        """Sends a message; at its first try Telegram answers with an error, if one is given."""
        if error:
            code, name = error
            rule = {
                "match": {"method": "messages.sendMessage", "times": 1},
                "action": {"rpcError": {"code": code, "name": name}},
            }
            status, said = self.ask(
                "POST", self.control["control_url"] + "/rules", rule, self.control["control_key"]
            )
            assert status in (200, 201), said
        url = self.url + "/api/telegram/call/messages.sendMessage"
        status, said = self.ask("POST", url, {"peer": "me", "message": "x"})
        return status, json.loads(said)

    def admit(self, folder):
        """Puts a plugin with its settings into the running gateway, and waits until it serves."""
        name = folder.name
        (self.plugins / f"{name}.toml").write_bytes((folder / f"{name}.toml").read_bytes())
        new = self.plugins / f".{name}.new"
        new.write_bytes((folder / f"{name}.wasm").read_bytes())
        new.rename(self.plugins / f"{name}.wasm")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status, said = self.ask("GET", f"{self.url}/api/plugins/{name}")
            if status == 200:
                row = json.loads(said)
                assert not row["lastError"], row
                if row["generation"]:
                    return row
            time.sleep(0.1)
        raise AssertionError(f"{name} does not serve: {said}")

    def remove(self, name):
        """Takes a plugin out, and waits until it is gone."""
        for ending in ("wasm", "toml"):
            (self.plugins / f"{name}.{ending}").unlink()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.ask("GET", f"{self.url}/api/plugins/{name}")[0] == 404:
                return
            time.sleep(0.1)
        raise AssertionError(f"{name} does not go")
