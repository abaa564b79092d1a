"""The browser package's declarations, by TypeScript's own compiler: with every way to resolve a package that programs have."""

import json
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "clients" / "browser"
USE = ROOT / "Tests" / "Web" / "declarations.ts"


@pytest.mark.parametrize("module, resolution", [("esnext", "node16"), ("node16", "node16"), ("esnext", "node")])
def test_a_program_in_typescript_is_checked_against_the_declarations(tmp_path, module, resolution):
    shutil.copytree(PACKAGE, tmp_path / "node_modules" / "freshet")
    shutil.copy(USE, tmp_path)
    (tmp_path / "package.json").write_text(json.dumps({"type": "module"}))
    settings = ["--strict", "--noEmit", "--target", "es2022", "--lib", "es2022,dom", "--module", module, "--moduleResolution", resolution]
    checked = subprocess.run(["tsc", *settings, USE.name], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert checked.returncode == 0, checked.stdout
