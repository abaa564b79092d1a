"""Gives an image a health check. The OCI's specification has no place for one; Docker takes it from its own.

    python3 scripts/lib/image_health.py LAYOUT COMMAND...     LAYOUT is a directory with one image
"""

import hashlib
import json
import pathlib
import sys

SECOND = 1_000_000_000


def main():
    layout, *command = sys.argv[1:]
    blobs = pathlib.Path(layout) / "blobs" / "sha256"

    def read(descriptor):
        return json.loads((blobs / descriptor["digest"].removeprefix("sha256:")).read_text())

    def write(descriptor, content):
        """Replaces what the descriptor names."""
        (blobs / descriptor["digest"].removeprefix("sha256:")).unlink()
        text = json.dumps(content, separators=(",", ":")).encode()
        digest = hashlib.sha256(text).hexdigest()
        (blobs / digest).write_bytes(text)
        descriptor |= {"digest": f"sha256:{digest}", "size": len(text)}

    index = pathlib.Path(layout) / "index.json"
    images = json.loads(index.read_text())
    [image] = images["manifests"]
    manifest = read(image)
    config = read(manifest["config"])
    config["config"]["Healthcheck"] = {
        "Test": ["CMD", *command],
        "Interval": 10 * SECOND,
        "Timeout": 6 * SECOND,
        "StartPeriod": 60 * SECOND,
        "Retries": 3,
    }
    write(manifest["config"], config)
    write(image, manifest)
    index.write_text(json.dumps(images, separators=(",", ":")))


main()
