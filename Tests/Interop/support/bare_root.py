"""A Debian without Swift and without anything of this machine: its own root file system."""

import pathlib
import subprocess

# The machine's own sources, whatever mirror they name.
_SOURCES = [path for path in (pathlib.Path("/etc/apt/sources.list.d/debian.sources"), pathlib.Path("/etc/apt/sources.list")) if path.exists()]

_IN = """
set -e
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
"""

# What of a unit's sandbox a process can be given without systemd: PrivateTmp, PrivateDevices, ProtectProc, ProcSubset,
# ProtectSystem=strict with a StateDirectory, LimitNOFILE, DynamicUser, CapabilityBoundingSet=, NoNewPrivileges, RestrictNamespaces.
_AS_SERVICE = """
set -e
root=$1 user=$2 files=$3 notify=$4; shift 4
install -d -m 0700 -o "$user" -g "$user" "$root/var/lib/freshet"
install -d "$root/run/notify"
mount --bind "$root" "$root"
mount --bind "$root/var/lib/freshet" "$root/var/lib/freshet"
mount --bind "$notify" "$root/run/notify"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t proc -o hidepid=invisible,subset=pid proc "$root/proc"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for device in null zero random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,bind,ro "$root"
exec prlimit --nofile="$files:$files" chroot "$root" /usr/bin/setpriv --reuid="$user" --regid="$user" --clear-groups \
    --no-new-privs --bounding-set=-all --inh-caps=-all /usr/bin/env -i PATH=/usr/bin:/bin "$@"
"""


class BareRoot:
    def __init__(self, directory):
        self.directory = directory
        suite = next(line for line in pathlib.Path("/etc/os-release").read_text().splitlines() if line.startswith("VERSION_CODENAME="))
        # Essential packages, and the two libraries beside the C library that a program in C++ needs.
        made = subprocess.run(
            ["mmdebstrap", "--variant=essential", "--include=libstdc++6,zlib1g", suite.partition("=")[2], directory, _SOURCES[0]],
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr
        assert not self.has("swift")

    def has(self, command):
        return self.run("sh", "-c", f"command -v {command}", check=False).returncode == 0

    def command(self, *arguments):
        """What runs a command in it, as the process that is started."""
        return [*_namespace(_IN), self.directory, *arguments]

    def service(self, user, files, notify, *arguments):
        """The same in the sandbox of a service."""
        return [*_namespace(_AS_SERVICE), self.directory, str(user), str(files), notify, *arguments]

    def run(self, *arguments, check=True, **options):
        done = subprocess.run(self.command(*arguments), capture_output=True, timeout=600, **options)
        assert not check or done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done

    def files(self):
        """Every path in it, but those of the package manager's own notes."""
        own = ("var/lib/dpkg", "var/log", "var/cache", "proc", "dev", "tmp", "run")
        found = (str(path.relative_to(self.directory)) for path in pathlib.Path(self.directory).rglob("*"))
        return {path for path in found if not path.startswith(own)}


def _namespace(script):
    return ["unshare", "--mount", "--propagation", "private", "bash", "-c", script, "_"]
