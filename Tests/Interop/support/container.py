"""An image that is unpacked, and run as its configuration says: its user, its arguments, a root that cannot be written to."""

import json
import pathlib
import subprocess
import sys

# Process 1 of its own process name space; what runs here is python until the last line.
_RUN = """
import json, os, subprocess, sys
root, volume, config = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
mounts = [["--bind", root, root], ["-t", "proc", "proc", root + "/proc"], ["-o", "remount,bind,ro", root]]
for place in config.get("Volumes", {}):
    mounts.insert(1, ["--bind", volume, root + place])
for mount in mounts:
    subprocess.run(["mount", *mount], check=True)
user, group = map(int, config["User"].split(":"))
os.chown(root + next(iter(config["Volumes"])), user, group)
os.chroot(root)
os.chdir(config["WorkingDir"])
os.setgroups([])
os.setgid(group)
os.setuid(user)
os.execve(config["arguments"][0], config["arguments"], dict(one.split("=", 1) for one in config["Env"]))
"""


class Image:
    def __init__(self, archive, directory):
        self.layout = directory / "layout"
        self.layout.mkdir()
        subprocess.run(["tar", "--extract", "--directory", self.layout, "--file", archive], check=True)
        [manifest] = json.loads((self.layout / "index.json").read_text())["manifests"]
        self.tag = manifest["annotations"]["org.opencontainers.image.ref.name"]
        self.manifest = self.blob(manifest)
        self.about = self.blob(self.manifest["config"])
        self.config = self.about["config"]
        bundle = directory / "bundle"
        # It checks every digest on its way.
        subprocess.run(["umoci", "unpack", "--image", f"{self.layout}:{self.tag}", bundle], check=True, capture_output=True)
        self.root = bundle / "rootfs"
        self.volume = directory / "volume"
        self.volume.mkdir()

    def blob(self, descriptor):
        return json.loads((self.layout / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")).read_text())

    def command(self, *arguments, environment=()):
        """What runs it; the program is the only child of the process that is started."""
        config = {**self.config, "arguments": arguments, "Env": [*self.config["Env"], *environment]}
        return [
            *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL"),
            *(sys.executable, "-I", "-c", _RUN, self.root, self.volume, json.dumps(config)),
        ]

    def entry(self, **options):
        return self.command(*self.config["Entrypoint"], *self.config["Cmd"], **options)


def child(process):
    """The process id that a container's process 1 has outside."""
    [found] = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(found)
