"""A folder in which the commands of a page run as they stand, one after the other."""

from __future__ import annotations

import io
import marshal
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clusters
import standin
from pages import Command

from service.kinds.cluster import SECRET_TEMPLATE

ROOT = Path(__file__).parents[2]
SHOWN = ("deploy", "examples", "benchmarks", "Containerfile", "openapi.yaml")
"""What the pages name of the repository, from its root."""
_HEAD = """\
set -uEo pipefail
exec 9>failures
trap 'printf "%s %s\\n" "$?" "${BASH_COMMAND%%[[:space:]]*}" >&9' ERR
fpath=(none "$HOME")  # zsh has it
"""


def _cluster(name: str) -> dict[str, Any]:
    """A cluster as the stand-in keeps it."""
    objects = clusters.objects(name)
    return {
        "url": f"https://api.{name}.example.com:6443",
        "token": f"sha256~of-alice-on-{name}",
        "admin": True,
        "reaches": clusters.REACHES[name],
        "served": clusters.served(),
        "raw": clusters.raw(),
        "objects": objects,
        "texts": {standin.identity(item): standin.text_of(item) for item in objects},
    }


@dataclass(frozen=True)
class Result:
    """How a command ended: what it printed, and "status word" of all in it that failed; the last
    status too, for `a && b` fails without a trap."""

    command: Command
    out: str
    err: str
    failed: tuple[str, ...]


class Playground:
    """The folder of one page."""

    def __init__(self, folder: Path, places: dict[str, str], ca: Path, kubeconfig: Path) -> None:
        """``places`` maps HOST:PORT as the pages name it to what answers for it here."""
        self.folder = folder
        self.home = folder / "home"
        self.bin = folder / "bin"
        self.state = folder / "standin"
        self.kubeconfig = kubeconfig
        self.home.mkdir()
        self.bin.mkdir()
        rules = [f'connect-to = "{named}:{real}"\n' for named, real in places.items()]
        (self.home / ".curlrc").write_text("".join([f'cacert = "{ca}"\n', *rules]))
        for name in SHOWN:
            (folder / name).symlink_to(ROOT / name)
        (folder / ".venv").symlink_to(sys.prefix)
        self._programs()

    def _programs(self) -> None:
        place = str(Path(standin.__file__).parent)
        for name in ("oc", "kubectl", "podman"):
            program = self.bin / name
            program.write_text(
                f"#!{sys.executable} -IS\nimport sys\nsys.path.append({place!r})\n"
                f"import standin\nsys.exit(standin.main({name!r}))\n"
            )
            program.chmod(0o755)
        state = {
            "current": "new",
            "clusters": {name: _cluster(name) for name in ("old", "new")},
            "images": [],
            "template": SECRET_TEMPLATE,
            "now": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
            "path": [item for item in sys.path if item.endswith("site-packages")],
        }
        self.state.write_bytes(standin.packed(state))

    def environment(self) -> dict[str, str]:
        """What the commands see: nothing of the machine but its programs."""
        return {
            "PATH": f"{self.bin}:{sys.prefix}/bin:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "STANDIN_STATE": str(self.state),
            "RES_OPTIONS": "timeout:1 attempts:1",
            "KUBECONFIG": str(self.kubeconfig),
            "MTC_PREFLIGHT_URL": "http://127.0.0.1:8080",
        }

    def write(self, name: str, text: str) -> None:
        """A file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def archive(self, name: str, cluster: str) -> None:
        """A must-gather of a cluster."""
        with tarfile.open(self.folder / name, "w:gz") as archive:
            for path, text in self._must_gather(cluster):
                data = text.encode()
                entry = tarfile.TarInfo(f"must-gather/{path}")
                entry.size, entry.mtime = len(data), int(time.time())
                archive.addfile(entry, io.BytesIO(data))

    def unpacked(self, name: str, cluster: str) -> None:
        """A must-gather of a cluster, as a folder."""
        for path, text in self._must_gather(cluster):
            self.write(f"{name}/{path}", text)

    def _must_gather(self, cluster: str) -> Iterator[tuple[str, str]]:
        return standin.must_gather(self.objects(cluster), self._state()["now"], mtc=True)

    def _state(self) -> dict[str, Any]:
        found: dict[str, Any] = marshal.loads(self.state.read_bytes())
        return found

    def objects(self, cluster: str) -> list[dict[str, Any]]:
        """What a cluster holds now, by the stand-in."""
        found: list[dict[str, Any]] = self._state()["clusters"][cluster]["objects"]
        return found

    def calls(self, program: str) -> list[str]:
        """How a stand-in was called."""
        lines = Path(f"{self.state}.calls").read_text().splitlines()
        return [line.partition(" ")[2] for line in lines if line.startswith(f"{program} ")]

    def run(self, commands: list[Command]) -> list[Result]:
        """Run commands in one shell, in order. Raises AssertionError where the shell gives up."""
        shutil.rmtree(self.folder / "said", ignore_errors=True)
        (self.folder / "said").mkdir()
        script = [_HEAD]
        for number, command in enumerate(commands):
            script += [
                f"exec >said/{number}.out 2>said/{number}.err",
                f'printf "#{number}\\n" >&9',
                command.text,
                'ended=$?; [ "$ended" = 0 ] || printf "%s at the end\\n" "$ended" >&9',
            ]
        (self.folder / "page.sh").write_text("\n".join([*script, "echo '#end' >&9", ""]))
        ended = subprocess.run(
            ["bash", "page.sh"],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=600,
            check=False,
        )
        failed: dict[str, list[str]] = {}
        part = ""
        for line in (self.folder / "failures").read_text().splitlines():
            if line.startswith("#"):
                part = line[1:]
                failed[part] = []
            else:
                failed[part].append(line)
        said = self.folder / "said"
        if part != "end":  # a word that is not set, or what is no shell at all
            told = (said / f"{part}.err").read_text() if part else ended.stderr
            raise AssertionError(f"the commands stopped: {told}")
        return [
            Result(
                command,
                (said / f"{number}.out").read_text(),
                (said / f"{number}.err").read_text(),
                tuple(failed[str(number)]),
            )
            for number, command in enumerate(commands)
        ]
