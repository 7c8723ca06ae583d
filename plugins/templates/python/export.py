"""Serves the measurements as plain lines, `name{label=value} value`, at a path of the admin
listener."""

import sluice
from sluice import contract


class Policy(sluice.Policy):
    def take(self, settings):
        self.path = settings.text("path", "/{{name}}.txt")
        self.prefix = settings.text("prefix", "")

    @sluice.answers
    def export(self, batch):
        wanted = [sample for sample in batch.samples if sample.name.startswith(self.prefix)]
        body = "".join(map(line, wanted))
        served = contract.Serve(self.path, "text/plain; charset=utf-8", body)
        return [contract.Delivery_Serve(served)]


def line(sample):
    pairs = ",".join(f"{name}={value}" for name, value in sample.labels)
    labels = "{" + pairs + "}" if pairs else ""
    return f"{sample.name}{labels} {sample.value:g}\n"
