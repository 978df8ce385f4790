"""What can go wrong with an index, told apart."""

from __future__ import annotations

from dataclasses import dataclass

from secretsync.core.errors import SourceError


@dataclass(eq=False)
class IndexFailed(SourceError):
    """The index did not answer, or not with what was asked for."""

    code = "index_failed"

    url: str
    detail: str

    def __str__(self) -> str:
        return f"{self.url}: {self.detail}; check the URL, the network, HTTPS_PROXY and REQUESTS_CA_BUNDLE"


@dataclass(eq=False)
class IndexRefused(IndexFailed):
    """The index's certificate does not hold, or a proxy on the way refuses; *remedy* is for this very cause."""

    code = "index_refused"

    remedy: str

    def __str__(self) -> str:
        return f"{self.url}: {self.detail}; {self.remedy}"


@dataclass(eq=False)
class IndexAccessRefused(IndexFailed):
    """The index wants credentials, or others; *sent* says which were sent, never their value."""

    code = "index_access_refused"

    sent: str

    def __str__(self) -> str:
        return f"{self.url}: {self.detail}; {self.sent}; check 'access' of the package"


class RedirectedElsewhere(IndexFailed):
    """The index forwards to a place that nobody named: what answers there is not the index."""

    code = "redirected_elsewhere"

    def __str__(self) -> str:
        return (
            f"{self.url}: {self.detail}, which may give another package of that name; correct 'index' and 'access' of "
            "the package, or name the place under 'redirectsTo' of 'access'"
        )


@dataclass(eq=False)
class UnknownDistribution(SourceError):
    """The index has no distribution of that name."""

    code = "unknown_distribution"

    name: str
    index: str

    def __str__(self) -> str:
        return f"{self.index} has no distribution {self.name!r}; correct 'requirement', or set 'index' of the package"


@dataclass(eq=False)
class HashMismatch(SourceError):
    """A file is not the one that its hash names."""

    code = "hash_mismatch"

    file: str
    expected: str
    actual: str
    algorithm: str = "sha256"

    def __str__(self) -> str:
        return (
            f"{self.file} has {self.algorithm} {self.actual}, not {self.expected}; it was damaged or replaced on its "
            "way: do not use it before you know why"
        )


@dataclass(eq=False)
class ReleaseReplaced(SourceError):
    """A version is another file than when it went live, which honest indexes do not do."""

    code = "release_replaced"

    url: str
    version: str
    previous: str
    current: str

    def __str__(self) -> str:
        return (
            f"{self.url}: version {self.version} was sha256 {self.previous[:12]} and is now {self.current[:12]}; ask "
            "who replaced the file. To go on, require another version, or say 'tagMoved: warn' or 'allow'"
        )


@dataclass(eq=False)
class DownloadTooLarge(SourceError):
    """A file is larger than any policy package."""

    code = "download_too_large"

    file: str
    limit: int

    def __str__(self) -> str:
        return f"{self.file} has more than {self.limit:,} bytes; raise 'limits.download' of the package if it must be"
