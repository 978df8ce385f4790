"""An index's page of one distribution: a stranger's document, which is read under limits. A calculation."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from secretsync.core.foreign import Refusal, read_json, reading

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage

LARGEST = 8 * 1024 * 1024
"""Bytes of a page: fifty times what a distribution of a hundred releases has."""

MOST_FILES = 2_000
"""Files of a page, ten times what a hundred releases have: each is judged by its name and by its Python."""

_MOST_MARKUP = 20 * MOST_FILES
"""Tags, comments and entities of a page in HTML: a file has six or so. What parses them takes the square of their
number where they are not closed."""

_FILE_OF_JSON, _FILE_OF_HTML = '"filename"', "<a "
_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")
_SMALL = 32 * 1024
"""Bytes of HTML that are parsed in this process: of markup alone, they are a hundred times as much memory."""

_LONGEST = 8_000
"""Characters of a URL: what servers take."""

_FORM = re.compile(r"<(form|input)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that an index lists. *digests* are in hex by the name of their algorithm."""

    file: str
    url: str
    digests: Mapping[str, str]
    requires_python: str
    is_yanked: bool
    yanked_reason: str


def files_of(name: str, kind: str, url: str, body: str, refusal: Refusal) -> list[Listed]:
    """The files that the page at *url* lists for the distribution *name*.

    *kind* is its content type. Raises the refusal where it is no page of the simple API, or too large.
    """
    kind = kind.partition(";")[0].strip().lower()
    if len(body) > LARGEST:
        raise refusal(f"it has more than {LARGEST:,} characters")
    if body.count(_FILE_OF_JSON if kind == _JSON else _FILE_OF_HTML) > MOST_FILES:
        raise refusal(f"it lists more than {MOST_FILES:,} files")
    if kind == _JSON:
        from pypi_simple import ProjectPage

        with reading(refusal), _known_version(refusal):
            packages = ProjectPage.from_json_data(_without_nulls(read_json(body, refusal)), url).packages
            return [file for file in map(_listed, packages) if _is_short(file)]
    if kind not in _HTML:
        raise refusal(f"its type is {kind[:100]!r}")
    files = _files_of_html(name, url, body, refusal)
    if not files and _FORM.search(body):
        raise refusal("it is a web page with a form (a sign-in page?)")
    return files


def links(page: bytes) -> list[dict[str, Any]]:
    """The fields of each Listed of a page in HTML; *page* is name, URL and body, a line each but the last."""
    from pypi_simple import ProjectPage

    name, url, body = page.decode().split("\n", 2)
    return [asdict(_named_by_url(_listed(file))) for file in ProjectPage.from_html(name, body, url).packages]


def _files_of_html(name: str, url: str, body: str, refusal: Refusal) -> list[Listed]:
    if body.count("<") + body.count("&") > _MOST_MARKUP:
        raise refusal(f"it has more than {_MOST_MARKUP:,} tags and entities")
    if body.rfind("<!--") > body.rfind("-->"):
        raise refusal("it ends within a comment")
    page = f"{name}\n{url}\n{body}".encode(errors="replace")
    with reading(refusal), _known_version(refusal):
        if len(page) <= _SMALL:
            files = links(page)
        else:
            from secretsync.core import confined

            files = confined.call(f"{__name__}:links", page, refusal)
        return [file for fields in files if _is_short(file := Listed(**fields))]


def _listed(file: DistributionPackage) -> Listed:
    return Listed(
        file.filename,
        file.url,
        _digests(file.digests),
        file.requires_python or "",
        file.is_yanked,
        file.yanked_reason or "",
    )


@contextmanager
def _known_version(refusal: Refusal) -> Iterator[None]:
    from pypi_simple import UnexpectedRepoVersionWarning, UnsupportedRepoVersionError

    with warnings.catch_warnings():
        # a later minor version is to be read as the one that is known (PEP 629)
        warnings.simplefilter("ignore", UnexpectedRepoVersionWarning)
        try:
            yield
        except UnsupportedRepoVersionError as error:
            raise refusal(f"its api-version is {error.declared_version[:20]}, and 1.x is known") from None


def _without_nulls(page: Any) -> Any:
    """A page whose files lack what is null in them: pip takes both alike."""
    if not isinstance(page, dict) or not isinstance(page.get("files"), list):
        return page
    files = [
        {key: value for key, value in file.items() if value is not None} if isinstance(file, dict) else file
        for file in page["files"]
    ]
    return {**page, "files": files}


def _is_short(file: Listed) -> bool:
    """Whether its name and URL can be shown; a longer one is no file that anybody could download."""
    return len(file.file) <= _LONGEST and len(file.url) <= _LONGEST


def _named_by_url(file: Listed) -> Listed:
    """A link's text is free, as pip has it; the file's name is the last part of its URL."""
    return replace(file, file=unquote(urlsplit(file.url).path.rpartition("/")[2]))


def _digests(given: Mapping[str, str]) -> dict[str, str]:
    """Each digest that a fragment gives: as pip has it, more than one, and other options before it."""
    pairs = (pair.partition("=") for name, value in given.items() for pair in f"{name}={value}".lower().split("&"))
    return {name: digest for name, _, digest in pairs}
