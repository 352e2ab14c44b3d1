"""A container engine of our own, started for a test and stopped by its pid; and base images from Debian's packages.

No image registry is needed: the images that the Dockerfile and the compose file name are made here, from the machine's own
package mirror (read at run time), and imported under those names.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


class EngineError(Exception):
    """The engine could not be started or a command failed; the message holds the end of its output."""


def run(*command: str | Path, env: Mapping[str, str] | None = None, timeout: float = 300, stdin: str = "") -> str:
    """Standard output of a command; EngineError with the end of its output if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise EngineError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{tail}")
    return done.stdout


def debian_mirror() -> str:
    """The package mirror that this machine's own apt uses."""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)")
    for line in listed.splitlines():
        uri, _, rest = line.partition(" ")
        if rest.startswith("bookworm ") and rest.endswith("main"):
            return uri
    raise EngineError("apt knows no bookworm main: the base image is made of Debian 12's packages")


@dataclass(kw_only=True)
class Engine:
    """A dockerd with its data, socket and pid under `scratch`; a context manager."""

    scratch: Path
    seconds_to_start: float = 60

    @property
    def socket(self) -> str:
        """The address for DOCKER_HOST."""
        return f"unix://{self.scratch}/docker.sock"

    def __enter__(self) -> Self:
        for tool in ("dockerd", "docker", "docker-compose", "debootstrap"):
            if shutil.which(tool) is None:
                raise EngineError(f"{tool} is missing: apt-get install docker.io docker-compose debootstrap")
        config = self.scratch / "daemon.json"
        config.write_text(
            json.dumps(
                {
                    "data-root": f"{self.scratch}/data",
                    "exec-root": f"{self.scratch}/exec",
                    "pidfile": f"{self.scratch}/dockerd.pid",
                    "hosts": [self.socket],
                    "iptables": False,
                    "ip6tables": False,
                    "ip-forward": False,
                    "ip-masq": False,
                    "bridge": "none",
                    "storage-driver": "overlay2",
                }
            )
        )
        self._log = (self.scratch / "dockerd.log").open("w")
        self._daemon = subprocess.Popen(["dockerd", "--config-file", str(config)], stdout=self._log, stderr=self._log)
        self._wait_until_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._daemon.terminate()
        try:
            self._daemon.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait()
        self._log.close()
        # The daemon leaves this mount behind, and without it the scratch folder could not be removed.
        subprocess.run(["umount", f"{self.scratch}/exec/netns/default"], stderr=subprocess.DEVNULL)

    def docker(self, *arguments: str | Path, timeout: float = 300) -> str:
        """`docker …` on this engine."""
        return run("docker", *arguments, env={"DOCKER_HOST": self.socket, "DOCKER_BUILDKIT": "0"}, timeout=timeout)

    def import_debian(self, tag: str, packages: Sequence[str]) -> None:
        """Make an image from Debian's own packages and the machine's trust and pip settings, under `tag`."""
        root = self.scratch / "rootfs"
        run(
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(packages)}",
            "bookworm",
            root,
            debian_mirror(),
            timeout=900,
        )
        (root / "usr/bin/python").symlink_to("python3")
        (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink(missing_ok=True)
        shutil.copy(CA_BUNDLE, root / str(CA_BUNDLE).lstrip("/"))
        (root / "etc/pip.conf").write_text(f"[global]\ncert = {CA_BUNDLE}\ntimeout = 180\n")
        archive = self.scratch / "rootfs.tar"
        run("tar", "-C", root, "-cf", archive, ".")
        self.docker("import", "-c", 'CMD ["python3"]', archive, tag)
        archive.unlink()
        shutil.rmtree(root)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.seconds_to_start
        while time.monotonic() < deadline and self._daemon.poll() is None:
            try:
                self.docker("version", timeout=10)
                return
            except EngineError:
                time.sleep(0.25)
        tail = "\n".join((self.scratch / "dockerd.log").read_text().splitlines()[-20:])
        self._daemon.kill()
        self._daemon.wait()
        raise EngineError(f"the container engine did not start within {self.seconds_to_start:.0f} s:\n{tail}")


@dataclass(frozen=True, kw_only=True)
class Compose:
    """`docker-compose` for this project's own file on an engine, under a project name of its own."""

    engine: Engine
    project: str
    env: Mapping[str, str]

    def __call__(self, *arguments: str, timeout: float = 300, stdin: str = "") -> str:
        """Standard output of one compose command, which reads `stdin`."""
        file = ROOT / "docker-compose.yml"
        return run(
            "docker-compose", "--project-name", self.project, "--file", file, "--project-directory", ROOT, *arguments,
            env={"DOCKER_HOST": self.engine.socket, "DOCKER_BUILDKIT": "0", **self.env}, timeout=timeout, stdin=stdin,
        )  # fmt: skip

    def container(self, service: str) -> str:
        """The id of the service's container."""
        found = self("ps", "-q", service).split()
        if len(found) != 1:
            raise EngineError(f"{service}: {len(found)} containers, expected one")
        return found[0]

    def health(self, service: str) -> str:
        """What the engine says of the service's health: starting, healthy, unhealthy."""
        return self.engine.docker("inspect", "--format", "{{.State.Health.Status}}", self.container(service)).strip()

    def containers(self, service: str) -> list[str]:
        """The ids of all containers of a service."""
        return self("ps", "--quiet", service).split()

    def wait_until_container_healthy(self, container: str, seconds: float = 120) -> None:
        """Return once one container is healthy; EngineError with its log if it is not in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            asked = self.engine.docker("inspect", "--format", "{{.State.Health.Status}}", container)
            if asked.strip() == "healthy":
                return
            time.sleep(0.5)
        tail = self.engine.docker("logs", "--tail", "40", container)
        raise EngineError(f"{container} was not healthy within {seconds:.0f} s:\n{tail}")

    def wait_for_words(self, service: str, words: str, *, seconds: float) -> None:
        """Return once a service has said `words`; EngineError with its log if it has not in time."""
        deadline = time.monotonic() + seconds
        while words not in (said := self("logs", "--no-color", service)):
            if time.monotonic() > deadline:
                raise EngineError(f"{service} has not said {words!r} within {seconds:.0f} s:\n{said[-3000:]}")
            time.sleep(0.5)

    def wait_until_healthy(self, service: str, seconds: float = 120) -> None:
        """Return once the service is healthy; EngineError with its log if it is not in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.health(service) == "healthy":
                return
            time.sleep(0.5)
        tail = "\n".join(self("logs", "--no-color", "--tail", "40", service).splitlines())
        raise EngineError(f"{service} was not healthy within {seconds:.0f} s but {self.health(service)}:\n{tail}")

    def address(self, service: str, port: int) -> str:
        """Where the service's port is published on this machine, host:port."""
        found = re.search(r"127\.0\.0\.1:\d+", self("port", service, str(port)))
        if not found:
            raise EngineError(f"{service}: port {port} is not published on loopback")
        return found[0]
