"""The Helm chart, rendered by a small program with Helm's own libraries, and checked with the schemas of Kubernetes.

`helm lint` and a cluster have not seen it."""

import json
import os
import pathlib
import shutil
import subprocess

import jsonschema
import kubernetes_validate
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "freshet"
KUBERNETES = "1.37"
# The first test compiles Helm's libraries, without a cache: many minutes where the machine is busy.
pytestmark = pytest.mark.timeout(1800)
LEAST = {"image": {"repository": "registry.example/freshet"}, "open": True}


@pytest.fixture(scope="module")
def chart(tmp_path_factory):
    """The chart as it is packaged, with a version."""
    directory = tmp_path_factory.mktemp("chart")
    shutil.copytree(CHART, directory / "freshet")
    about = directory / "freshet" / "Chart.yaml"
    about.write_text(about.read_text().replace("@VERSION@", "1.2.3"))
    return directory / "freshet"


@pytest.fixture(scope="module")
def renderer(tmp_path_factory):
    program = tmp_path_factory.mktemp("render") / "render"
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(program.parent / "cache")}
    source = pathlib.Path(__file__).parent / "support" / "helm" / "render.go"
    subprocess.run(["go", "build", "-o", program, source], check=True, env=environment)
    return program


@pytest.fixture
def render(chart, renderer, tmp_path):
    def render(values, release="answers"):
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        return subprocess.run([renderer, chart, release, "default", file], capture_output=True, text=True)

    return render


@pytest.fixture
def manifests(render):
    """By their kinds, each of them one that Kubernetes takes."""

    def manifests(values, **options):
        done = render(values, **options)
        assert done.returncode == 0, done.stderr
        found = {}
        for document in yaml.safe_load_all(done.stdout):
            if document:
                if document["apiVersion"] != "monitoring.coreos.com/v1":
                    kubernetes_validate.validate(document, KUBERNETES, strict=True)
                assert document["kind"] not in found
                found[document["kind"]] = document
        return found

    return manifests


def test_the_least_that_is_set_makes_a_server_with_a_volume(manifests):
    found = manifests(LEAST)
    assert set(found) == {"ConfigMap", "PodDisruptionBudget", "Service", "StatefulSet"}
    spec = found["StatefulSet"]["spec"]
    pod = spec["template"]["spec"]
    [container] = pod["containers"]
    assert spec["replicas"] == 1, "a data directory is used by one server at a time"
    assert container["image"] == "registry.example/freshet:1.2.3"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    settings = yaml.safe_load(found["ConfigMap"]["data"]["freshet.yaml"])
    assert settings == {"host": "0.0.0.0", "port": 4437, "data": "/var/lib/freshet", "open": True}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts["streams"] == settings["data"]
    assert [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]] == ["streams"]
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": "http"}
    assert "httpGet" not in container["livenessProbe"], "a server that drains is not killed for it"
    assert container["ports"] == [{"name": "http", "containerPort": settings["port"]}]


def test_with_a_redis_there_are_pods_without_a_volume(manifests):
    found = manifests({**LEAST, "redis": {"url": "redis://freshet@redis.internal:6379", "passwordSecret": "redis", "nodes": 4}})
    assert set(found) == {"ConfigMap", "Deployment", "PodDisruptionBudget", "Service"}
    spec = found["Deployment"]["spec"]
    pod = spec["template"]["spec"]
    [container] = pod["containers"]
    assert spec["replicas"] == 4
    settings = yaml.safe_load(found["ConfigMap"]["data"]["freshet.yaml"])
    assert settings == {
        "host": "0.0.0.0", "port": 4437, "store": "redis://freshet@redis.internal:6379",
        "redis-password-file": "/etc/freshet/redis/password", "open": True,
    }  # fmt: skip
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts == {"settings": "/etc/freshet/freshet.yaml", "redis": "/etc/freshet/redis"}
    assert {volume["name"] for volume in pod["volumes"]} == set(mounts)
    assert found["Service"]["spec"]["selector"].items() <= spec["template"]["metadata"]["labels"].items()
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": "http"}


def test_sentinels_are_named_as_a_redis_is(manifests):
    url = "redis-sentinel://freshet@s1.internal:26379,s2.internal:26379/main/1"
    found = manifests({**LEAST, "redis": {"url": url, "sentinelPasswordSecret": "sentinels"}})
    pod = found["Deployment"]["spec"]["template"]["spec"]
    settings = yaml.safe_load(found["ConfigMap"]["data"]["freshet.yaml"])
    assert settings["store"] == url and settings["redis-sentinel-password-file"] == "/etc/freshet/sentinels/password"
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts == {"settings": "/etc/freshet/freshet.yaml", "sentinels": "/etc/freshet/sentinels"}
    assert {volume["name"] for volume in pod["volumes"]} == set(mounts)


@pytest.mark.parametrize(
    "url",
    ["redis://me:secret@redis.internal", "redis-sentinel://me:secret@s1,s2/main", "redis-sentinel://s1/main?sentinel-password=secret"],
)
def test_a_password_in_the_url_of_redis_is_refused(render, url):
    refused = render({**LEAST, "redis": {"url": url}})
    assert refused.returncode != 0 and "redis" in refused.stderr


def test_whatever_selects_the_pod_does(manifests):
    found = manifests({**LEAST, "serviceMonitor": {"enabled": True}})
    labels = found["StatefulSet"]["spec"]["template"]["metadata"]["labels"].items()
    assert found["Service"]["spec"]["selector"].items() <= labels
    assert found["StatefulSet"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert found["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items() <= found["Service"]["metadata"]["labels"].items()
    assert found["ServiceMonitor"]["spec"]["endpoints"][0]["port"] == found["Service"]["spec"]["ports"][0]["name"]
    # The alarms look for this job.
    assert found["Service"]["metadata"]["labels"][found["ServiceMonitor"]["spec"]["jobLabel"]] == "freshet"


def test_everything_that_can_be_set_reaches_the_pod(manifests):
    found = manifests(
        {
            "image": {"repository": "registry.example/freshet", "tag": "edge", "pullSecrets": [{"name": "pull"}]},
            "keys": {"secret": "freshet-keys"},
            "settings": {"drain-deadline-seconds": 60, "kept-bytes": "20GiB", "allowed-origins": ["https://app.example"]},
            "env": [{"name": "OPENAI_KEY", "valueFrom": {"secretKeyRef": {"name": "openai", "key": "key"}}}],
            "persistence": {"size": "50Gi", "storageClass": "fast"},
            "preStopSeconds": 7,
            "service": {"type": "LoadBalancer", "annotations": {"a": "b"}},
            "podDisruptionBudget": {"enabled": False},
            "serviceMonitor": {"enabled": True, "keySecret": "scrape"},
            "podAnnotations": {"c": "d"},
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"key": "disk", "operator": "Exists"}],
            "affinity": {"nodeAffinity": {}},
        },
        release="freshet-prod",
    )
    assert set(found) == {"ConfigMap", "Service", "ServiceMonitor", "StatefulSet"}
    assert {document["metadata"]["name"] for document in found.values()} == {"freshet-prod"}
    pod = found["StatefulSet"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    settings = yaml.safe_load(found["ConfigMap"]["data"]["freshet.yaml"])
    assert settings["keys"] == "/etc/freshet/keys/keys" and "open" not in settings
    assert (settings["kept-bytes"], settings["allowed-origins"]) == ("20GiB", ["https://app.example"])
    assert pod["terminationGracePeriodSeconds"] > 60 + 7
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}
    assert container["image"].endswith(":edge") and pod["imagePullSecrets"] == [{"name": "pull"}]
    assert container["env"][0]["name"] == "OPENAI_KEY"
    assert pod["nodeSelector"] == {"disk": "fast"} and pod["tolerations"] and "affinity" in pod
    assert found["Service"]["spec"]["type"] == "LoadBalancer"
    claim = found["StatefulSet"]["spec"]["volumeClaimTemplates"][0]["spec"]
    assert (claim["storageClassName"], claim["resources"]["requests"]["storage"]) == ("fast", "50Gi")
    assert found["ServiceMonitor"]["spec"]["endpoints"][0]["authorization"] == {"credentials": {"name": "scrape", "key": "key"}}


def test_other_settings_are_another_pod(manifests):
    def checksum(settings):
        return manifests({**LEAST, "settings": settings})["StatefulSet"]["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]

    assert checksum({}) == checksum({}) != checksum({"heartbeat-seconds": 5})


@pytest.mark.parametrize(
    "values, said",
    [({"open": True}, "image.repository"), ({"image": {"repository": "x"}}, "keys.secret")],
    ids=["no image", "nobody decided who may"],
)
def test_what_has_to_be_decided_is_asked_for(render, values, said):
    done = render(values)
    assert done.returncode == 1 and said in done.stderr


def test_the_schema_takes_the_chart_s_own_values_and_no_mistakes():
    schema = json.loads((CHART / "values.schema.json").read_text())
    own = yaml.safe_load((CHART / "values.yaml").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(own, schema)
    for wrong in [{"setings": {}}, {"settings": {"data": "/elsewhere"}}, {"service": {"port": "http"}}, {"open": "yes"}]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**own, **wrong}, schema)
