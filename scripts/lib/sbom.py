"""Writes a software bill of materials, CycloneDX 1.5 as JSON: what `swift package show-dependencies` says, and what the
program holds or needs beside that.

    swift package show-dependencies --format json | python3 scripts/lib/sbom.py VERSION COMMIT [NAME=VERSION...] > freshet.cdx.json
"""

import datetime
import json
import os
import sys
import uuid


def component(name, version, **more):
    return {"type": "library", "bom-ref": f"{name}@{version}", "name": name, "version": version, **more}


def main():
    version, commit, *others = sys.argv[1:]
    root = json.load(sys.stdin)
    components, edges = {}, {}

    def walk(package):
        """Its reference; below the root it becomes a component."""
        path = package["url"].removeprefix("https://").removesuffix(".git")
        if package is root:
            reference = f"freshet@{version}"
        else:
            reference = f"{package['identity']}@{package['version']}"
            components[reference] = component(
                package["identity"],
                package["version"],
                purl=f"pkg:swift/{path}@{package['version']}",
                externalReferences=[{"type": "vcs", "url": package["url"]}],
            )
        edges[reference] = sorted({walk(below) for below in package["dependencies"]})
        return reference

    top = walk(root)
    for other in others:
        name, _, number = other.partition("=")
        components[f"{name}@{number}"] = component(name, number)
        edges[f"{name}@{number}"] = []
        edges[top].append(f"{name}@{number}")
    moment = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    json.dump(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            # The same for the same release.
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'freshet/{version}/{commit}')}",
            "version": 1,
            "metadata": {
                "timestamp": moment.isoformat().replace("+00:00", "Z"),
                "component": {
                    "type": "application",
                    "bom-ref": top,
                    "name": "freshet",
                    "version": version,
                    "licenses": [{"license": {"id": "Apache-2.0"}}],
                    "properties": [{"name": "commit", "value": commit}],
                },
            },
            "components": [components[reference] for reference in sorted(components)],
            "dependencies": [{"ref": reference, "dependsOn": below} for reference, below in sorted(edges.items())],
        },
        sys.stdout,
        indent=2,
    )
    print()


main()
