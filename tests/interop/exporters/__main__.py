"""What leaves the gateway, read by those it is meant for.

Starts `sluice demo` with targets on this machine, makes some calls, and holds what arrives against
others' own readers: promtool and Prometheus' parser, OpenTelemetry's messages, and StatsD's grammar in
both dialects. Arguments: the gateway's binary, promtool (or "-" where there is none).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import receivers
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from prometheus_client.parser import text_string_to_metric_families

PATIENCE = 60
CALLS = 5


def main():
    binary, promtool = sys.argv[1:3]
    otlp = receivers.Http(fail_first=True)
    secure = receivers.Https()
    plain, dog = receivers.Udp(), receivers.Udp()
    with tempfile.TemporaryDirectory() as data:
        plugins = Path(data) / "plugins"
        plugins.mkdir()
        shipped = Path(binary).parent.parent / "plugins" / "statsd.wasm"
        (plugins / "dog.wasm").write_bytes(shipped.read_bytes())
        (plugins / "dog.toml").write_text(
            '[settings]\ntarget = "dog"\ndialect = "dogstatsd"\ntags = "env:test"\n'
        )
        (plugins / "astray.wasm").write_bytes(shipped.read_bytes())
        (plugins / "astray.toml").write_text('[settings]\ntarget = "nowhere"\n')
        gateway = start(binary, data, otlp, secure, plain, dog)
        failed = 0
        try:
            told = json.loads(gateway.stdout.readline())
            for _ in range(CALLS):
                call(told, "POST", "/api/telegram/call/help.getConfig", "{}")
            for scene in (
                lambda: prometheus(told, promtool),
                lambda: otlp_metrics(otlp),
                lambda: otlp_logs(secure, told, plugins),
                lambda: statsd(plain),
                lambda: dogstatsd(dog),
                lambda: counts(told),
                lambda: astray(told),
            ):
                name = scene.__code__.co_names[0]
                try:
                    scene()
                    print(f"exporters: {name} ... ok", flush=True)
                except Exception as error:  # every scene is told, whatever became of the others
                    failed += 1
                    print(f"exporters: {name} ... FAILED: {error!r}", flush=True)
        finally:
            gateway.terminate()
            gateway.wait(30)
    if failed:
        sys.exit(f"{failed} scenes failed")


def start(binary, data, otlp, secure, plain, dog):
    targets = {
        "otlp": f'{{ url = "{otlp.url}/v1/metrics", headers = {{ x-key = "let-me-in" }} }}',
        "otlp-logs": f'{{ url = "{secure.url}/v1/logs", ca_file = "{secure.ca_file}" }}',
        "statsd": f'{{ udp = "{plain.address}" }}',
        "dog": f'{{ udp = "{dog.address}" }}',
    }
    targets = ", ".join(f"{name} = {target}" for name, target in targets.items())
    env = {
        **os.environ,
        "SLUICE_EXPORT__TARGETS": f"{{ {targets} }}",
        "SLUICE_POLICY__EXPORT_INTERVAL": "1s",
        "SLUICE_ADMIN__METRICS_OPEN": "true",
        "SLUICE_LOG__LEVEL": "warn",
    }
    command = [binary, "demo", "--accounts", "1", "--data", data]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def call(told, method, path, body=None):
    request = urllib.request.Request(told["url"] + path, method=method)
    request.add_header("Authorization", f"Bearer {told['admin_key']}")
    if body is not None:
        request.data = body.encode()
        request.add_header("Content-Type", "application/json")
    return json.load(urllib.request.urlopen(request, timeout=30))


def scrape(told):
    url = told["admin_url"] + "/metrics"
    return urllib.request.urlopen(url, timeout=30).read().decode()


def until(what, found):
    """Waits for something that comes with a later batch."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"never came: {what}")


def prometheus(told, promtool):
    text = scrape(told)
    if promtool != "-":
        check = [promtool, "check", "metrics"]
        done = subprocess.run(check, input=text, capture_output=True, text=True, timeout=60)
        # 3 is advice on style; that a metric has no help yet breaks nobody's scrape.
        said = (done.stdout + done.stderr).splitlines()
        said = [line for line in said if not line.endswith("no help text")]
        assert done.returncode in (0, 3) and not said, said
    families = {family.name: family for family in text_string_to_metric_families(text)}
    calls = families["sluice_calls"]
    assert calls.type == "counter", calls
    made = [s for s in calls.samples if s.labels.get("method") == "help.getConfig"]
    assert sum(s.value for s in made) >= CALLS, made
    took = families["sluice_call_duration_seconds"]
    assert took.type == "summary", took
    assert {"0.5", "0.95", "0.99"} <= {s.labels.get("quantile") for s in took.samples}


def metrics_of(body):
    request = json_format.Parse(body, metrics_service_pb2.ExportMetricsServiceRequest())
    (of_resource,) = request.resource_metrics
    attributes = {a.key: a.value.string_value for a in of_resource.resource.attributes}
    assert attributes["service.name"] == "sluice" and attributes["service.version"], attributes
    return {m.name: m for scope in of_resource.scope_metrics for m in scope.metrics}


def otlp_metrics(otlp):
    def seen():
        for request in otlp.received():
            assert request.path == "/v1/metrics", request.path
            assert request.headers["content-type"] == "application/json"
            assert request.headers["x-key"] == "let-me-in"
            metrics = metrics_of(request.body)
            points = metrics["sluice_calls_total"].sum.data_points if (
                "sluice_calls_total" in metrics) else []
            made = [p for p in points if any(
                a.value.string_value == "help.getConfig" for a in p.attributes)]
            if sum(p.as_double for p in made) >= CALLS:
                return metrics
        return None

    metrics = until("the calls in a sum", seen)
    calls = metrics["sluice_calls_total"].sum
    assert calls.is_monotonic
    assert calls.aggregation_temporality == metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
    for point in calls.data_points:
        assert 0 < point.start_time_unix_nano <= point.time_unix_nano, point
    assert metrics["sluice_uptime_seconds"].unit == "s"
    assert metrics["sluice_uptime_seconds"].gauge.data_points[0].as_double > 0
    took = metrics["sluice_call_duration_seconds"].summary.data_points
    assert any(p.count >= CALLS and p.sum > 0 and p.quantile_values for p in took), took
    refused = [r for r in otlp.requests if r.answered == 503]
    first = refused[0]
    again = [r for r in otlp.requests if r.body == first.body and r.answered == 200]
    assert again, "what was refused for a moment came again"
    assert again[0].at - first.at >= 0.99, "not before Retry-After"


def otlp_logs(secure, told, plugins):
    (plugins / "broken.wasm").write_bytes(b"not a component")

    def seen():
        for request in secure.received():
            assert request.path == "/v1/logs"
            parsed = json_format.Parse(request.body, logs_service_pb2.ExportLogsServiceRequest())
            for of_resource in parsed.resource_logs:
                for scope in of_resource.scope_logs:
                    for record in scope.log_records:
                        fields = {a.key: a.value.string_value for a in record.attributes}
                        if fields.get("name") == "broken" and fields["action"] == "refused":
                            return record
        return None

    record = until("the refused plugin as a log record, over TLS", seen)
    assert record.severity_text == "WARN" and record.time_unix_nano > 0, record
    assert "broken" in record.body.string_value, record


def statsd(udp):
    def seen():
        lines = [receivers.statsd_line(line) for line in udp.lines()]
        added = [l for l in lines if l.name.endswith("method.help_getConfig.outcome.ok")]
        return lines if sum(l.value for l in added) >= CALLS else None

    lines = until("the calls as a counter", seen)
    assert all(not line.tags for line in lines)
    added = [l for l in lines if l.name.endswith("method.help_getConfig.outcome.ok")]
    # What was added each time, not the sum again and again.
    assert sum(l.value for l in added) == CALLS, added
    assert {line.kind for line in lines} == {"c", "g"}
    assert max(udp.sizes) <= 1432, max(udp.sizes)


def dogstatsd(udp):
    def seen():
        lines = [receivers.dogstatsd_line(line) for line in udp.lines()]
        made = [l for l in lines if l.name == "sluice_calls_total"]
        made = [l for l in made if ("method", "help.getConfig") in l.tags]
        return lines if sum(l.value for l in made) >= CALLS else None

    lines = until("the calls as a counter with tags", seen)
    assert all(("env", "test") in line.tags for line in lines)
    until("an event", lambda: [l for l in map(receivers.dogstatsd_line, udp.lines())
                               if l.kind == "event" and l.name == "sluice plugin"])
    assert max(udp.sizes) <= 1432, max(udp.sizes)


def counts(told):
    def seen():
        sent = {}
        for family in text_string_to_metric_families(scrape(told)):
            if family.name == "sluice_export_deliveries":
                for sample in family.samples:
                    sent[sample.labels["target"], sample.labels["outcome"]] = sample.value
        targets = ("otlp", "otlp-logs", "statsd", "dog")
        return all(sent.get((target, "sent"), 0) > 0 for target in targets) and sent

    sent = until("deliveries by target and outcome", seen)
    assert sum(count for (_, outcome), count in sent.items() if outcome == "dropped") == 0, sent


def astray(told):
    rows = {row["name"]: row for row in call(told, "GET", "/api/plugins")["plugins"]}
    assert "nowhere" in rows["astray"]["lastError"], rows["astray"]
    assert rows["astray"]["kind"] == "export" and rows["astray"]["clamps"] > 0
    for name in ("otlp", "statsd"):
        assert rows[name]["mode"] == "live" and rows[name]["lastError"] is None, rows[name]


main()
