"""The numbers of a server, read by Prometheus's own parser."""

from prometheus_client.parser import text_string_to_metric_families


def families(server):
    answer = server.request("GET", "/metrics")
    assert answer.status == 200
    return {family.name: family for family in text_string_to_metric_families(answer.body.decode())}


def test_prometheus_reads_every_line(server):
    server.request("PUT", "/v1/stream/a", {"Content-Type": "text/plain"})
    server.request("POST", "/v1/stream/a", {"Content-Type": "text/plain"}, b"hello")
    found = families(server)
    assert all(family.documentation for family in found.values())
    assert {family.type for family in found.values()} <= {"counter", "gauge", "histogram"}
    assert found["freshet_appended_bytes"].samples[0].value == 5
    assert found["freshet_streams"].samples[0].value == 1
    assert found["process_cpu_seconds"].samples[0].value > 0
