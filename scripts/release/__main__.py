"""``python -m scripts.release``: check a tag, build a release's files. Neither publishes anything."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from scripts.release import notes, versions
from scripts.release.build import build, built_version

ROOT = Path(__file__).parents[2]


@click.group()
def main() -> None:
    """What a release needs and no forge does."""


@main.command("check")
@click.argument("tag")
def check(tag: str) -> None:
    """Refuse TAG where a file states another version or CHANGELOG.md says nothing of it."""
    try:
        version = versions.of_tag(tag)
        notes.notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    except ValueError as refusal:
        raise click.ClickException(str(refusal)) from None
    if wrong := versions.disagreements(versions.stated(ROOT), version):
        raise click.ClickException("; ".join(wrong))
    click.echo(f"{tag}: every place says {version}")


@main.command("build")
@click.argument("target", type=click.Path(path_type=Path, exists=False))
@click.option("--helm", default="helm", help="The program helm.")
@click.option("--notes", "section", default=notes.UNRELEASED, help="A heading of CHANGELOG.md.")
def build_files(target: Path, helm: str, section: str) -> None:
    """Write the files of HEAD's release to the directory TARGET, which must not exist."""
    try:
        version = built_version(ROOT)
        build(ROOT, helm, target, version, section)
    except (ValueError, FileExistsError) as refusal:
        raise click.ClickException(str(refusal)) from None
    except subprocess.CalledProcessError as failure:
        raise click.ClickException(f"{failure}\n{failure.stderr.decode(errors='replace')}") from None
    for path in sorted(target.iterdir()):
        click.echo(f"{path}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
