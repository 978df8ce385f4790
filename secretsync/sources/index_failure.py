"""What can go wrong with an index, told apart."""

from __future__ import annotations

from secretsync.errors import SecretSyncError


class IndexFailed(SecretSyncError):
    """The index did not answer, or not with what was asked for."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(url, detail)
        self.url, self.detail = url, detail

    def __str__(self) -> str:
        return f"{self.url}: {self.detail}; check the URL, the network, HTTPS_PROXY and REQUESTS_CA_BUNDLE"


class IndexAccessRefused(IndexFailed):
    """The index wants credentials, or others."""

    def __str__(self) -> str:
        return f"{self.url}: {self.detail}; check 'access' of the package"


class UnknownDistribution(SecretSyncError):
    """The index has no distribution of that name."""

    def __init__(self, name: str, index: str) -> None:
        super().__init__(name, index)
        self.name, self.index = name, index

    def __str__(self) -> str:
        return f"{self.index} has no distribution {self.name!r}; correct 'requirement', or set 'index' of the package"


class HashMismatch(SecretSyncError):
    """A file is not the one that its hash names."""

    def __init__(self, file: str, expected: str, found: str) -> None:
        super().__init__(file, expected, found)
        self.file, self.expected, self.found = file, expected, found

    def __str__(self) -> str:
        return (
            f"{self.file} has sha256 {self.found}, not {self.expected}; it was damaged or replaced on its way: "
            "do not use it before you know why"
        )


class DownloadTooLarge(SecretSyncError):
    """A file is larger than any policy package."""

    def __init__(self, file: str, limit: int) -> None:
        super().__init__(file, limit)
        self.file, self.limit = file, limit

    def __str__(self) -> str:
        return f"{self.file} has more than {self.limit:,} bytes; raise 'limits.download' of the package if it must be"
