"""
Installing: a person who installs in any of the usual ways has both daemons and the client.
"""

from __future__ import annotations

import site
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.process.processes import SCRIPTS, environment, run, source_copy, within

PIP = ["-m", "pip", "--disable-pip-version-check"]
OFFLINE = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]


def fresh_environment(path: Path) -> Path:
    """
    An environment in which everything that dfs needs is installed, but not dfs.

    What it needs is linked from the environment that runs the tests: nothing is downloaded.

    @return: its Python.
    """
    venv.create(path / "env", with_pip=False, symlinks=True)
    needed = path / "needed"
    needed.mkdir()
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        ours = entry.name.lower().startswith(("dfs", "__editable__"))
        if not ours and entry.suffix not in (".pth", ".egg-link"):
            (needed / entry.name).symlink_to(entry)
    packages = path / "env" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    (packages / "needed.pth").write_text(f"{needed}\n")
    # twistd's own script, with this environment's Python in its first line.
    python = path / "env" / "bin" / "python"
    first, _, rest = (SCRIPTS / "twistd").read_text().partition("\n")
    assert first.startswith("#!")
    script = path / "env" / "bin" / "twistd"
    script.write_text(f"#!{python}\n{rest}")
    script.chmod(0o755)
    return python


@pytest.mark.parametrize("way", ["plain", "editable", "wheel"])
@within(120)
async def test_installed(tmp_path: Path, way: str) -> None:
    """After C{pip install}, C{twistd} lists both daemons and C{dfs} explains itself."""
    env = environment(PIP_NO_INPUT="1")
    del env["PYTHONPATH"]
    source = tmp_path / "source"
    source.mkdir()
    source_copy(source)
    python = fresh_environment(tmp_path)
    what = ["-e", str(source)] if way == "editable" else [str(source)]
    if way == "wheel":
        wheels = tmp_path / "wheels"
        built = await run(
            [sys.executable, *PIP, "wheel", *OFFLINE, "-w", str(wheels), str(source)], tmp_path, env
        )
        assert await built.exited() == 0, built.text
        what = [str(wheel) for wheel in wheels.iterdir()]
        assert len(what) == 1
    install = [sys.executable, *PIP, "--python", str(python), "install", *OFFLINE, *what]
    installed = await run(install, tmp_path, env)
    assert await installed.exited() == 0, installed.text

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    scripts = python.parent
    daemons = await run([str(scripts / "twistd"), "--help"], elsewhere, env)
    assert "dfs-nm" in daemons.text
    assert "dfs-ss" in daemons.text
    for name in ("dfs-nm", "dfs-ss"):
        options = await run([str(scripts / "twistd"), name, "--help"], elsewhere, env)
        assert "--log-format" in options.text
    client = await run([str(scripts / "dfs"), "--help"], elsewhere, env)
    assert await client.exited() == 0, client.text
    assert "READ" in client.text


def test_nothing_is_installed_globally() -> None:
    """The environment of the tests is one of its own, so that a missing requirement is seen."""
    assert sys.prefix != sys.base_prefix
    assert not site.ENABLE_USER_SITE
