"""A requirements file with hashes, as pip reads it."""

from __future__ import annotations

import pytest

from secretsync.sources.index.hashes import hashes_of

A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"my-policy==1.0 --hash=sha256:{A}", (A,)),
        (f"My.Policy==1.0 \\\n  --hash=sha256:{A} \\\n  --hash=sha256:{B.upper()}\n", (A, B)),
        (f"my_policy==1.0 \\\r\n  --hash sha256:{A}\r\n", (A,)),
        (f"my-policy==1.0 ; python_version >= '3.9' --hash=sha256:{A}  # why", (A,)),
        (f"--index-url https://h/simple\n-r other.txt\n\nmy-policy==1.0 --hash=sha256:{A}", (A,)),
        (f"# my-policy==1.0 --hash=sha256:{A}", ()),
        (f"my-policy==1.0 # --hash=sha256:{A}", ()),
        (f"my-policy-extras==1.0 --hash=sha256:{A}", ()),
        (f"my-policy==1.0 --hash=sha512:{A}{A} --hash=md5:{A}", ()),
        (f"my-policy==1.0 --hash=sha256:{A}0", ()),
        (f"my-policy==1.0\nother==2.0 --hash=sha256:{A}", ()),
        ("", ()),
    ],
)
def test_only_the_sha256_of_the_distribution_itself_count(text: str, expected: tuple[str, ...]) -> None:
    assert hashes_of(text, "my-policy") == expected
