"""What `scripts/package` makes, on a Debian that has no Swift: the archive, the package, the image, the lists beside them."""

import configparser
import hashlib
import json
import os
import pathlib
import platform
import re
import resource
import signal
import subprocess
import tarfile

import pytest
import yaml

from support import processes
from support.bare_root import BareRoot
from support.container import Image, child
from support.freshet import BINARY, Freshet
from support.ports import free_port
from support.waiting import eventually
from support.wire import exchange
from test_service import Manager

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARCHITECTURE = platform.machine()
pytestmark = [pytest.mark.long(120), pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    directory = tmp_path_factory.mktemp("dist")
    made = subprocess.run([ROOT / "scripts" / "package", "--binary", BINARY, "--into", directory], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    print(made.stderr)
    return directory


@pytest.fixture(scope="module")
def version():
    said = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout
    return re.fullmatch(r"(\d+\.\d+\.\d+) \(.+\)\n", said)[1]


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return BareRoot(tmp_path_factory.mktemp("bare") / "root")


@pytest.fixture(scope="module")
def archive(dist, version):
    return dist / f"freshet-{version}-linux-{ARCHITECTURE}.tar.gz"


@pytest.fixture(scope="module")
def package(dist, version):
    [path] = dist.glob(f"freshet_{version}_*.deb")
    return path


@pytest.fixture(scope="module")
def image(dist, version, tmp_path_factory):
    return Image(dist / f"freshet-{version}-linux-{ARCHITECTURE}.oci.tar", tmp_path_factory.mktemp("image"))


def test_everything_is_there_with_its_checksum(dist, version):
    sums = dict(reversed(line.split("  ")) for line in (dist / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == {path.name for path in dist.iterdir()} - {"SHA256SUMS"}
    assert len(sums) == 6
    for name, digest in sums.items():
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest
        assert version in name or name == "compose.yaml"


def test_a_program_that_needs_more_than_a_bare_system_has_is_refused(tmp_path):
    source = tmp_path / "needy.c"
    source.write_text("extern int sqlite3_initialize(void); int main(void) { return sqlite3_initialize(); }\n")
    subprocess.run(["clang", source, "-o", tmp_path / "needy", "-lsqlite3"], check=True)
    done = subprocess.run([ROOT / "scripts" / "lib" / "check-linkage", tmp_path / "needy"], capture_output=True, text=True)
    assert done.returncode == 1 and "It needs libsqlite3.so.0" in done.stderr
    source.write_text("#include <stdlib.h>\nint main(void) { return arc4random_uniform(1); }\n")
    subprocess.run(["clang", source, "-o", tmp_path / "needy"], check=True)
    done = subprocess.run([ROOT / "scripts" / "lib" / "check-linkage", tmp_path / "needy"], capture_output=True, text=True)
    assert done.returncode == 1 and "It needs GLIBC_2.36" in done.stderr


def test_the_archive_is_the_program_with_its_help_and_the_licences_of_what_is_in_it(archive, version):
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
        assert all(one.uid == one.gid == 0 for one in tar.getmembers())
    assert {
        "bin/freshet",
        "share/man/man1/freshet.1.gz",
        "share/bash-completion/completions/freshet",
        "share/zsh/site-functions/_freshet",
        "share/fish/vendor_completions.d/freshet.fish",
        "share/doc/freshet/LICENSE",
        "share/doc/freshet/licences/swift-nio-LICENSE.txt",
        "lib/systemd/system/freshet.service",
        "etc/freshet.yaml",
    } <= names


def test_the_archive_runs_where_there_is_no_swift(bare, archive, version):
    subprocess.run(["tar", "--extract", "--gzip", "--directory", bare.directory / "opt", "--file", archive], check=True)
    program = f"/opt/{archive.name.removesuffix('.tar.gz')}/bin/freshet"
    said = bare.run(program, "--version").stdout
    assert said == subprocess.run([BINARY, "--version"], capture_output=True, check=True).stdout

    server = Freshet(program=bare.command(program), data="/var/tmp/streams")
    try:
        assert server.still_serves()
        assert bare.run(program, "append", f"{server.url}/v1/stream/answer", input=b"Hello\nworld\n").returncode == 0
        tail = bare.run(program, "tail", f"{server.url}/v1/stream/answer")
        assert (tail.stdout, tail.stderr) == (b"Hello\nworld\n", b"freshet: the stream ended: done\n")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
    finally:
        server.stop()
    again = Freshet(program=bare.command(program), data="/var/tmp/streams")
    try:
        assert again.read("/v1/stream/answer").body == b"Hello\nworld\n"
    finally:
        assert again.stop(60) == 0
    assert b"all sound" in bare.run(program, "check", "/var/tmp/streams").stdout


@pytest.fixture(scope="module")
def installed(bare, package):
    """The package in the bare system, and what was there before."""
    before = bare.files()
    target = bare.directory / "tmp" / package.name
    target.write_bytes(package.read_bytes())
    done = bare.run("dpkg", "--install", f"/tmp/{package.name}")
    assert b"error" not in done.stdout + done.stderr
    return before


def unit(bare):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(bare.directory / "usr/lib/systemd/system/freshet.service")
    return parser["Service"]


def test_the_package_installs_a_service_that_systemd_takes(bare, installed, tmp_path):
    assert bare.run("freshet", "--version").stdout == subprocess.run([BINARY, "--version"], capture_output=True).stdout
    for path in ["usr/share/man/man1/freshet.1.gz", "usr/share/zsh/vendor-completions/_freshet", "usr/share/doc/freshet/copyright"]:
        assert (bare.directory / path).is_file()
    wanted = bare.directory / "etc/systemd/system/multi-user.target.wants/freshet.service"
    assert wanted.is_symlink(), "it is enabled"

    # The bare system has no targets to order it after; this machine has, and the program elsewhere.
    path = bare.directory / "usr/lib/systemd/system/freshet.service"
    here = tmp_path / "freshet.service"
    here.write_text(path.read_text().replace("/usr/bin/freshet", BINARY))
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", here], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", path], capture_output=True, text=True
    )
    assert rated.returncode == 0, rated.stdout + rated.stderr
    drain = re.search(r"^\| `drain-deadline-seconds` \| `(\d+)`", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE)
    assert int(unit(bare)["TimeoutStopSec"]) > int(drain[1])


def test_the_service_runs_as_its_unit_says(bare, installed, tmp_path):
    """Its ExecStart, as a user that owns nothing but the state directory, where nothing else can be written."""
    notify = tmp_path / "notify"
    notify.mkdir()
    manager = Manager(str(notify / "socket"))
    os.chmod(notify, 0o755)
    os.chmod(notify / "socket", 0o666)
    service = unit(bare)
    program, command, *arguments = service["ExecStart"].split()
    assert command == "serve" and arguments == ["--config", "/etc/freshet/freshet.yaml"]
    prefix = bare.service(
        61184,
        min(int(service["LimitNOFILE"]), resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        notify,
        "NOTIFY_SOCKET=/run/notify/socket",
        f"WATCHDOG_USEC={int(service['WatchdogSec']) * 1_000_000}",
        program,
    )
    server = Freshet(program=prefix, memory=False, config=arguments[1])
    try:
        assert manager.next()[0] == "READY=1"
        assert manager.next() == ["WATCHDOG=1"]
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        assert re.search(r"^Uid:\t61184\t61184\t", status, re.MULTILINE)
        assert re.search(r"^CapBnd:\t0+$", status, re.MULTILINE) and re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
        assert server.still_serves()
        server.process.send_signal(signal.SIGTERM)
        # A sign of life may be due before.
        while (said := manager.next()) == ["WATCHDOG=1"]:
            pass
        assert said[0] == "STOPPING=1"
        assert server.process.wait(30) == 0
    finally:
        server.stop()
        manager.socket.close()
    assert (bare.directory / "var/lib/freshet/freshet.db").is_file()


def test_purging_the_package_leaves_nothing(bare, installed):
    # As systemd leaves it: the state directory of a dynamic user, and a link to it.
    private = bare.directory / "var/lib/private"
    private.mkdir(exist_ok=True)
    state = bare.directory / "var/lib/freshet"
    if state.is_dir():
        state.rename(private / "freshet")
    (private / "freshet").mkdir(exist_ok=True)
    (private / "freshet" / "freshet.db").touch()
    state.symlink_to("private/freshet")
    (bare.directory / "etc/freshet/keys").write_text("a secret\n")

    bare.run("dpkg", "--remove", "freshet")
    assert (private / "freshet" / "freshet.db").exists() and (bare.directory / "etc/freshet/freshet.yaml").exists()
    assert not (bare.directory / "usr/bin/freshet").exists()
    bare.run("dpkg", "--purge", "freshet")
    private.rmdir()
    assert bare.files() - installed == set()
    assert bare.run("dpkg", "--list", "freshet", check=False).returncode == 1


def test_the_image_says_how_it_is_run(dist, image, version):
    [path] = dist.glob("*.oci.tar")
    assert image.tag == version
    assert path.stat().st_size <= 60_000_000
    assert image.config["User"] == "65532:65532"
    assert image.config["Entrypoint"] == ["/usr/bin/freshet"] and image.config["Cmd"] == ["serve"]
    assert image.config["Healthcheck"]["Test"] == ["CMD", "/usr/bin/freshet", "health"]
    assert image.config["StopSignal"] == "SIGTERM"
    assert list(image.config["Volumes"]) == ["/var/lib/freshet"] and list(image.config["ExposedPorts"]) == ["4437/tcp"]
    assert len(image.manifest["layers"]) == 1
    # What it holds beside the program: certificates, time zones, and no shell.
    assert (image.root / "etc/ssl/certs/ca-certificates.crt").read_text().count("BEGIN CERTIFICATE") > 100
    assert (image.root / "usr/share/zoneinfo/Europe/Vienna").is_file()
    assert not list(image.root.rglob("sh")) and not list(image.root.rglob("apt*"))
    owners = {path.lstat().st_uid for path in image.root.rglob("*")}
    assert owners == {0, 65532}
    assert [path.relative_to(image.root) for path in image.root.rglob("*") if path.lstat().st_uid == 65532] == [pathlib.Path("var/lib/freshet")]


def test_the_image_lets_nobody_in_unasked(image):
    refused = subprocess.run(image.entry(), capture_output=True, text=True, timeout=300)
    assert refused.returncode != 0
    assert "keys" in refused.stderr and "open" in refused.stderr


def test_the_image_runs_as_its_configuration_says(image):
    """Its user and arguments, as process 1, with a root that cannot be written to; its health check beside it; SIGTERM ends it."""
    port = free_port()
    variables = ["FRESHET_OPEN=true", f"FRESHET_PORT={port}"]
    process = processes.start(image.entry(environment=variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == f"Freshet listens on http://0.0.0.0:{port}\n", process.stderr.read()
        pid = child(process)
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert re.search(r"^Uid:\t65532\t65532\t", status, re.MULTILINE) and re.search(r"^NSpid:\t\d+\t(?:\d+\t)*1$", status, re.MULTILINE)
        address = ("127.0.0.1", port)
        assert exchange(address, "PUT", "/v1/stream/a", {"Content-Type": "text/plain"}, "kept").status == 201
        assert exchange(address, "GET", "/v1/stream/a").body == b"kept"

        kind, *health = image.config["Healthcheck"]["Test"]
        checked = subprocess.run(image.command(*health, environment=variables), capture_output=True, timeout=300)
        assert (kind, checked.returncode, checked.stdout) == ("CMD", 0, b"ready\n")
        os.kill(pid, signal.SIGTERM)
        assert process.wait(30) == 0
        checked = subprocess.run(image.command(*health, environment=variables), capture_output=True, timeout=300)
        assert checked.returncode != 0
    finally:
        processes.end(process)
    assert (image.volume / "freshet.db").is_file()


def test_the_same_sources_make_the_same_files(dist, archive, tmp_path):
    """Time and order leave no trace in an archive."""
    with tarfile.open(archive) as tar:
        names, times = tar.getnames(), {one.mtime for one in tar.getmembers()}
    assert names == sorted(names, key=lambda name: name.split("/")) and len(times) == 1
    assert archive.read_bytes()[4:8] == b"\0\0\0\0", "gzip notes no time"


def test_the_bill_of_materials_names_every_package_that_is_resolved(dist, version):
    bill = json.loads((dist / f"freshet-{version}.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX" and bill["metadata"]["component"]["version"] == version
    named = {(one["name"], one["version"]) for one in bill["components"]}
    resolved = json.loads((ROOT / "Package.resolved").read_text())["pins"]
    assert {(pin["identity"], pin["state"]["version"]) for pin in resolved} <= named
    assert {"swift", "sqlite"} <= {name for name, _ in named}
    references = {one["bom-ref"] for one in bill["components"]} | {f"freshet@{version}"}
    assert {one["ref"] for one in bill["dependencies"]} == references
    assert all(below in references for one in bill["dependencies"] for below in one["dependsOn"])


def test_compose_takes_the_file_for_one_machine(dist, image, version):
    done = subprocess.run(["docker-compose", "--file", dist / "compose.yaml", "config"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    service = yaml.safe_load(done.stdout)["services"]["freshet"]
    assert service["image"] == f"freshet:{version}" and service["read_only"] is True
    # What the image says, as compose says it.
    assert service["healthcheck"]["test"] == image.config["Healthcheck"]["Test"]
    assert {mount.partition(":")[2].partition(":")[0] for mount in service["volumes"]} == set(image.config["Volumes"])
    assert "FRESHET_OPEN" not in service["environment"], "a page of another site could reach a server that is open"
