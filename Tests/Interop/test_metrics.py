"""The numbers of a server, read by Prometheus's own parser."""

import math
import ssl
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.freshet import Freshet
from support.tls import usual
from support.waiting import eventually


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


def numbers(server, name, **labels):
    """A histogram's buckets by their upper bounds, its sum and its count."""
    samples = [sample for sample in families(server)[name].samples if labels.items() <= sample.labels.items()]
    buckets = {float(sample.labels["le"]): sample.value for sample in samples if sample.name.endswith("_bucket")}
    [total] = [sample.value for sample in samples if sample.name.endswith("_sum")]
    [count] = [sample.value for sample in samples if sample.name.endswith("_count")]
    return buckets, total, count


def test_histograms_tell_how_long_appends_syncs_deliveries_and_requests_take(tmp_path):
    server = Freshet(data=tmp_path / "data")
    try:
        path = server.create()
        with server.subscribe(path) as reader:
            for word in ("one", "two", "three"):
                server.append(path, word)
                assert reader.next().data == word

        def counted():
            found = {
                "append": numbers(server, "freshet_append_seconds"),
                "sync": numbers(server, "freshet_sync_seconds"),
                "delivery": numbers(server, "freshet_delivery_seconds"),
                "request": numbers(server, "freshet_request_seconds", method="POST"),
            }
            return min(count for _, _, count in found.values()) >= 3 and found

        # The last of each may be counted after it was received.
        found = eventually(counted)
        for name, (buckets, total, count) in found.items():
            bounds = list(buckets)
            assert bounds == sorted(bounds) and bounds[-1] == math.inf and len(bounds) == 17, name
            assert list(buckets.values()) == sorted(buckets.values()), f"{name} is not cumulative"
            assert buckets[math.inf] == count, name
            assert 0 < total < 60 * count, name
        assert [found[name][2] for name in ("append", "delivery", "request")] == [3, 3, 3]
        # The create is committed too.
        assert found["sync"][2] >= 4
        # An append waits for its commit, and a request for its append.
        assert found["append"][1] <= found["request"][1]
    finally:
        server.stop()


@pytest.mark.parametrize("with_tls", [True, False], ids=["TLS", "clear text"])
def test_the_certificate_tells_when_it_expires(with_tls):
    server = Freshet(certificate=usual()) if with_tls else Freshet()
    try:
        samples = families(server)["freshet_certificate_expiry_timestamp_seconds"].samples
        if server.certificate is None:
            assert samples == []
        else:
            text = subprocess.run(
                ["openssl", "x509", "-noout", "-enddate", "-in", usual().chain], check=True, capture_output=True, text=True
            ).stdout
            assert [sample.value for sample in samples] == [ssl.cert_time_to_seconds(text.strip().removeprefix("notAfter="))]
    finally:
        server.stop()
