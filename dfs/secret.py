"""
The file with the secret of the cluster.

Decides what the file looks like (64 hex digits and a line feed, for its owner alone), and that it
appears whole or not at all, whoever makes it first.  Must not know what the secret is used for.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable

from dfs.errors import Invalid

#: Bytes of randomness in a secret.
SECRET_BYTES = 32


def read_secret(path: str) -> bytes | None:
    """
    The secret in a file; None if there is no such file yet.

    @raise Invalid: others can read the file, or it holds no secret; the message says what to do.
    """
    try:
        with open(path, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4096).strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Invalid(f"the secret {path} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise Invalid(
            f"the secret {path} can be read or changed by others (mode {mode:04o}); say: "
            f"chmod 600 {path}"
        )
    try:
        secret = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise Invalid(
            f"{path} holds no secret ({2 * SECRET_BYTES} hex digits); remove it to have the name "
            "server make one, or copy the one of this cluster"
        )
    return secret


def make_secret(path: str, entropy: Callable[[int], bytes]) -> bytes:
    """
    Make the file, unless somebody else does so first.

    @param entropy: so many random bytes.
    @return: what the file holds now.
    @raise Invalid: it cannot be made, or see L{read_secret}.
    """
    folder = os.path.dirname(path) or "."
    draft = f"{path}.{entropy(8).hex()}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(entropy(SECRET_BYTES).hex().encode("ascii") + b"\n")
                file.flush()
                os.fsync(file.fileno())
            # A link, not a rename: it never replaces a secret that is already there.
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            os.unlink(draft)
        _sync(folder)
    except OSError as error:
        raise Invalid(f"the secret {path} cannot be made: {error.strerror}") from None
    secret = read_secret(path)
    if secret is None:
        raise Invalid(f"the secret {path} disappeared while it was made; start again")
    return secret


def _sync(folder: str) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
