"""The cache survives what happens to caches: it heals, or is done without, and never decides a fetch."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secretsync.config import Package
from secretsync.core.model import Bundle
from secretsync.sources import cache as shelf
from secretsync.sources.cache import NoFolder
from secretsync.sources.git.cache import TooMuchFetched
from secretsync.sources.git.process import LARGEST_ANSWER
from secretsync.sources.open import open_source
from tests.on_demand import ALL
from tests.sources.layouts import POLICY, below, commit, git, write


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    write(tmp_path / "policy", below("my_policy", POLICY))
    commit(tmp_path / "policy")
    return tmp_path / "policy"


def fetch(repository: Path, cache: Path, **keys: object) -> Bundle:
    raw = {"moduleName": "my_policy", "requirement": f"git+file://{repository}", **keys}
    source = open_source(Package.model_validate(raw, by_alias=True), cache=cache, base=cache)
    return source.fetch(source.resolve())


def change(repository: Path) -> None:
    write(repository, {"my_policy/changed.py": f"{random.random()}\n"})
    commit(repository)


def bare(cache: Path) -> Path:
    (folder,) = (cache / "git").glob("*.git")
    return folder


def leave_locks(folder: Path) -> None:
    for name in ("shallow.lock", "config.lock", "HEAD.lock", "packed-refs.lock"):
        (folder / name).touch()


def leave_half_packs(folder: Path) -> None:
    (folder / "objects" / "pack").mkdir(exist_ok=True)
    (folder / "objects" / "pack" / "tmp_pack_x1").write_bytes(b"PACK")


def truncate_objects(folder: Path) -> None:
    for path in folder.glob("objects/**/*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty_the_head(folder: Path) -> None:
    (folder / "HEAD").write_bytes(b"")


def spoil_the_configuration(folder: Path) -> None:
    (folder / "config").write_text("[core\nnonsense")


def remove_the_objects(folder: Path) -> None:
    for path in folder.glob("objects/**/*"):
        if path.is_file():
            path.unlink()


def put_a_file_in_its_place(folder: Path) -> None:
    folder.rename(folder.with_suffix(".away"))
    folder.write_text("not a repository")


def give_it_to_another_owner(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)


def _plant_a_configuration(folder: Path) -> None:
    (folder / "config").write_text(
        '[core]\n\tfsmonitor = "touch planted"\n[url "file:///dev/null"]\n\tinsteadOf = file://\n'
    )


def _plant_another_folder(folder: Path) -> None:
    (folder / "commondir").write_text("/nowhere\n")


def _plant_alternates(folder: Path) -> None:
    (folder / "objects" / "info").mkdir(exist_ok=True)
    (folder / "objects" / "info" / "alternates").write_text("/nowhere\n")


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o777)
    (folder / "objects").chmod(0o777)


@pytest.mark.parametrize("plant", [_plant_a_configuration, _plant_another_folder, _plant_alternates, _open_to_all])
def test_what_somebody_planted_in_the_cache_has_no_say(
    plant: Callable[[Path], None], repository: Path, tmp_path: Path
) -> None:
    fetch(repository, tmp_path / "cache")
    plant(bare(tmp_path / "cache"))
    change(repository)
    assert "changed.py" in {file.path for file in fetch(repository, tmp_path / "cache").files}
    left = bare(tmp_path / "cache")
    assert "insteadOf" not in (left / "config").read_text()
    assert not (left / "commondir").exists()
    assert not (left / "objects" / "info" / "alternates").exists()


def test_a_replaced_object_in_the_cache_has_no_say(repository: Path, tmp_path: Path) -> None:
    before = fetch(repository, tmp_path / "cache")
    change(repository)
    after = fetch(repository, tmp_path / "cache")
    old, new = before.revision.id.partition(":")[2], after.revision.id.partition(":")[2]
    folder = bare(tmp_path / "cache")
    (folder / "refs" / "replace").mkdir()
    (folder / "refs" / "replace" / new).write_text(f"{old}\n")
    assert fetch(repository, tmp_path / "cache") == after


def test_the_cache_of_git_is_for_its_user_alone_whatever_the_umask(repository: Path, tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        fetch(repository, tmp_path / "cache")
    finally:
        os.umask(umask)
    for folder in (tmp_path / "cache" / "git", bare(tmp_path / "cache")):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_cache_that_is_a_symlink_is_done_without(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "git").symlink_to(tmp_path / "elsewhere")
    assert "belongs to another user, or is a symlink" in fetch(repository, tmp_path / "cache").notes[0]
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_cache_of_another_user_is_done_without(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "cache" / "git").mkdir(parents=True)
    os.chown(tmp_path / "cache" / "git", 4711, 4711)
    assert "belongs to another user" in fetch(repository, tmp_path / "cache").notes[0]


def test_a_new_cache_and_what_is_missing_above_it_are_for_their_user_alone_whatever_the_umask(
    repository: Path, tmp_path: Path
) -> None:
    for umask in (0, 0o777):
        before = os.umask(umask)
        try:
            assert fetch(repository, tmp_path / f"{umask}" / "cache").notes == ()
        finally:
            os.umask(before)
        for folder in (tmp_path / f"{umask}", tmp_path / f"{umask}" / "cache"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_cache_that_others_could_write_to_is_taken_from_them(repository: Path, tmp_path: Path) -> None:
    """Versions before made it as the umask said."""
    fetch(repository, tmp_path / "cache")
    (tmp_path / "cache").chmod(0o775)
    assert fetch(repository, tmp_path / "cache").notes == ()
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def test_a_folder_that_serves_for_more_and_that_others_can_write_to_is_left_and_not_used(
    repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o2775)
    (tmp_path / "shared" / "data").touch()
    (note,) = fetch(repository, tmp_path / "shared").notes
    assert "other users can write to it" in note
    assert "chmod go-w" in note
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o2775
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["data"]


def test_a_folder_such_as_tmp_from_which_only_owners_remove_serves(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    assert fetch(repository, tmp_path / "shared").notes == ()
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o1777


def test_a_cache_whose_own_folder_is_a_symlink_is_done_without(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "elsewhere")
    (note,) = fetch(repository, tmp_path / "cache").notes
    assert "it is a symlink" in note
    assert f"{tmp_path / 'elsewhere'}, with 'cache'" in note
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_cache_whose_own_folder_is_another_users_is_done_without(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    os.chown(tmp_path / "cache", 4711, 4711)
    assert "it belongs to another user" in fetch(repository, tmp_path / "cache").notes[0]
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    "harm",
    [
        leave_locks,
        leave_half_packs,
        truncate_objects,
        empty_the_head,
        spoil_the_configuration,
        remove_the_objects,
        put_a_file_in_its_place,
        give_it_to_another_owner,
    ],
)
@pytest.mark.parametrize("changed", [False, True], ids=["unchanged", "changed"])
@pytest.mark.slow
def test_a_cache_that_was_harmed_heals(
    harm: Callable[[Path], None], changed: bool, repository: Path, tmp_path: Path
) -> None:
    fetch(repository, tmp_path / "cache")
    harm(bare(tmp_path / "cache"))
    if changed:
        change(repository)
    assert fetch(repository, tmp_path / "cache").digest == fetch(repository, tmp_path / "fresh").digest


def put_a_file_above_it(cache: Path) -> Path:
    cache.parent.mkdir()
    (cache.parent / "file").touch()
    return cache.parent / "file" / "cache"


def make_it_full(cache: Path) -> Path:
    _mount(cache, "size=64k")
    (cache / "ballast").write_bytes(bytes(60 * 1024))
    return cache


def make_it_read_only(cache: Path) -> Path:
    _mount(cache, "ro")
    return cache


def _mount(folder: Path, options: str) -> None:
    """A real file system, where we may mount one; permissions do not stop root."""
    folder.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no right to mount a file system here")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """Where a cache may be mounted."""
    folder = tmp_path / "elsewhere" / "cache"
    yield folder
    subprocess.run(["umount", folder], capture_output=True, check=False)


@pytest.mark.parametrize("spoil", [put_a_file_above_it, make_it_full, make_it_read_only])
def test_a_cache_that_cannot_be_written_is_done_without_and_that_is_said(
    spoil: Callable[[Path], Path], elsewhere: Path, repository: Path
) -> None:
    cache = spoil(elsewhere)
    for _ in range(2):
        bundle = fetch(repository, cache)
        assert bundle.files
        assert f"the cache {cache} cannot be used" in bundle.notes[0]


def test_a_cache_that_another_process_does_not_let_go_of_is_done_without(repository: Path, tmp_path: Path) -> None:
    fetch(repository, tmp_path / "cache")
    with bare(tmp_path / "cache").with_suffix(".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        bundle = fetch(repository, tmp_path / "cache", timeout=0.5)
    assert "another process holds it" in bundle.notes[0]


def test_where_no_folder_can_be_written_that_is_said(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(shelf, "temporary_folder", lambda: tmp_path / "file" / "temporary")
    with pytest.raises(NoFolder, match="TMPDIR"):
        fetch(repository, tmp_path / "file" / "cache")


def test_a_cache_above_its_limit_is_made_anew(repository: Path, tmp_path: Path) -> None:
    fetch(repository, tmp_path)
    (bare(tmp_path) / "objects" / "ballast").write_bytes(bytes(2_000_000))
    fetch(repository, tmp_path, limits={"download": 1_000_000})
    assert not (bare(tmp_path) / "objects" / "ballast").exists()


def test_the_cache_of_a_remote_that_nobody_asks_for_goes_after_a_month(repository: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    fetch(repository, cache)
    forgotten = bare(cache)
    os.utime(forgotten.with_suffix(".lock"), (0, 0))
    other = repository.rename(tmp_path / "renamed")
    fetch(other, cache)
    assert bare(cache) != forgotten
    assert not forgotten.with_suffix(".refs.json").exists()


@pytest.mark.slow
def test_a_fetch_above_its_limit_is_ended(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "false")
    (repository / "huge.bin").write_bytes(random.Random(1).randbytes(8_000_000))
    commit(repository)
    with pytest.raises(TooMuchFetched, match=r"limits\.download"):
        fetch(repository, tmp_path / "cache", limits={"download": 1_000_000})
    assert LARGEST_ANSWER > 8_000_000


SCRIPT = """
import sys
from pathlib import Path
from secretsync.config import Package
from secretsync.sources import open_source, shelf
package = Package(module_name="my_policy", requirement="git+file://" + sys.argv[1])
source = open_source(package, cache=Path(sys.argv[2]), base=Path("/"))
print("ready", flush=True)
print(source.fetch(source.resolve()).digest)
"""


@pytest.mark.slow
def test_after_a_kill_at_any_moment_the_next_fetch_succeeds(repository: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    fetch(repository, tmp_path / "cache")
    window = time.monotonic() - began
    moments = random.Random(7)
    for _ in range(50 if ALL else 8):
        change(repository)
        child = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(repository), str(tmp_path / "cache")], stdout=subprocess.PIPE
        )
        assert child.stdout
        child.stdout.readline()
        time.sleep(moments.uniform(0, window))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert fetch(repository, tmp_path / "cache").files


def _fetch_for(seconds: float, repository: Path, cache: Path) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        fetch(repository, cache)


@pytest.mark.slow
def test_two_processes_share_a_cache(repository: Path, tmp_path: Path) -> None:
    seconds = 60.0 if ALL else 3.0
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_fetch_for, args=(seconds, repository, tmp_path / "cache")) for _ in range(2)]
    for process in both:
        process.start()
    while any(process.is_alive() for process in both):
        change(repository)
    assert [process.exitcode for process in both] == [0, 0]
