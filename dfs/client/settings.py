"""
What the C{dfs} command is told about its surroundings.

Decides the order (option, environment, file, default), where the file is, and what may stand in
it.  Must not know how options are parsed, nor what a session does with them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from dfs.core import names
from dfs.errors import Invalid

DEFAULT_NAME_SERVER = "127.0.0.1:5000"
DEFAULT_PORT = 5000

#: Seconds that a command waits for servers that are away.  It takes 15 to 20 s until a server that
#: fell silent is replaced.
DEFAULT_PATIENCE = 30.0

_KEYS = ("nm", "user", "patience")


@frozen
class Settings:
    """
    How to reach a cluster, and as whom.

    @ivar name_servers: C{host:port} each.
    @ivar patience: seconds that a command waits for servers that are away.
    """

    name_servers: tuple[str, ...]
    user: str
    patience: float


def config_path(environment: Mapping[str, str]) -> Path:
    """Where the file is unless it is named."""
    folder = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "dfs" / "config.toml"


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where the shell keeps its history."""
    folder = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(folder).expanduser() / "dfs"


def read_file(path: Path, *, required: bool) -> dict[str, Any]:
    """
    The file's own settings.

    @param required: somebody named this file, so it must be there.
    @raise Invalid: it cannot be read or says something that is no setting.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if required:
            raise Invalid(f"there is no file {path}") from None
        return {}
    except (OSError, ValueError) as error:
        raise Invalid(f"cannot read {path}: {error}") from None
    for key in found:
        if key not in _KEYS:
            raise Invalid(f"{path}: unknown setting {key!r}; there are {', '.join(_KEYS)}")
    return found


def decide(
    *,
    nm: str | None,
    user: str | None,
    patience: float | None,
    config: str | None,
    environment: Mapping[str, str],
) -> Settings:
    """
    Options, then environment, then file, then default.

    @param config: the file, if an option or the environment names it.
    @raise Invalid: one of them makes no sense.
    """
    path = Path(config).expanduser() if config else config_path(environment)
    file = read_file(path, required=bool(config))
    where = nm or environment.get("DFS_NM") or file.get("nm") or DEFAULT_NAME_SERVER
    who = (
        user
        or environment.get("DFS_USER")
        or file.get("user")
        or environment.get("USER")
        or environment.get("LOGNAME")
    )
    if not who:
        raise Invalid("who are you? say --user NAME, or set DFS_USER")
    return Settings(_addresses(where), names.user(str(who)), _seconds(patience, environment, file))


def _addresses(where: object) -> tuple[str, ...]:
    given = where.split(",") if isinstance(where, str) else where
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise Invalid(f"nm is a text or a list of texts, not {where!r}")
    found = tuple(address(text.strip()) for text in given)
    if not found:
        raise Invalid("no name server is named")
    return found


def address(text: str) -> str:
    """
    C{host:port}, from what a person wrote; the port may be left out.

    @raise Invalid: it is neither.
    """
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(DEFAULT_PORT)
    bare = host.removeprefix("[").removesuffix("]")
    plain = ":" not in host or (host.startswith("[") and host.endswith("]"))
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    if not bare or not plain or not 0 < number < 65536 or any(mark.isspace() for mark in host):
        raise Invalid(f"{text!r} is no address; write host:port, such as {DEFAULT_NAME_SERVER}")
    return f"{host}:{port}"


def _seconds(patience: float | None, environment: Mapping[str, str], file: dict[str, Any]) -> float:
    found: Any = patience
    if found is None:
        found = environment.get("DFS_PATIENCE") or file.get("patience", DEFAULT_PATIENCE)
    try:
        seconds = float(found)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise Invalid(f"patience is a number of seconds, not {found!r}")
    return seconds
