"""A folder anywhere: local paths and every URL that fsspec knows, with errors that people can act on."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import fsspec

from core.errors import HostError, InputError, UsageError


class Place:
    """A folder at a URL (``s3://bucket/folder``, ``/srv/shards``); ``text`` names it in messages."""

    def __init__(self, url: str) -> None:
        """Raises `UsageError` where no installed file system knows the URL."""
        self.text = url
        try:
            self._system, self._root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise UsageError(
                f"Nothing here can reach {url}: {error}.", "Install that package, or use a path."
            ) from error
        except ValueError as error:
            raise UsageError(f"{url} is no location: {error}.", "Give a path, or a URL that fsspec knows.") from error

    def names(self, ending: str) -> list[str]:
        """Names of the files in it that end so, in order.

        Raises:
            InputError: there is no such folder.
            HostError: it cannot be reached.
        """
        with self._told("read"):
            self._system.invalidate_cache()
            found = self._system.ls(self._root, detail=False)
        return sorted(name for name in map(posixpath.basename, found) if name.endswith(ending))

    def has(self, name: str) -> bool:
        """Whether a file lies there."""
        with self._told("read"):
            return bool(self._system.exists(self._at(name)))

    @contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        """One file, to be read from beginning to end."""
        with self._told(f"read {name} in"), self._system.open(self._at(name), "rb") as file:
            yield file

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """One file, new or over an old one."""
        with self._told(f"write {name} in"):
            self._system.makedirs(self._root, exist_ok=True)
            with self._system.open(self._at(name), "wb") as file:
                yield file

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    @contextmanager
    def _told(self, what: str) -> Iterator[Any]:
        try:
            yield
        except FileNotFoundError as error:
            raise InputError(f"Cannot {what} {self.text}: it is not there.", "Check the location.") from error
        except NotADirectoryError as error:
            raise InputError(
                f"Cannot {what} {self.text}: it is no folder.", "Give the folder of the shards."
            ) from error
        except OSError as error:
            said = error.strerror or str(error) or type(error).__name__
            raise HostError(f"Cannot {what} {self.text}: {said}.", "Check rights, space and connection.") from error
