"""The image and the compose file, built and run for real by an engine that this test starts.

Run by `make container` (as root, on Debian; see engine.py). It fails, and does not skip, where the engine cannot start.
"""

import json
import secrets
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.engine import ROOT, Compose, Engine

pytestmark = [pytest.mark.container, pytest.mark.timeout(1100)]

PYTHON = "3.11"
MAIL = """[email]
host = "mail.example.org"
sender = "you@example.org"
username = "you@example.org"
password_file = "mail.password"

[[channels]]
name = "mail"
type = "email"
to = ["you@example.org"]

[[subscriptions]]
name = "desk"
channels = ["mail"]
"""
BASE = f"python:{PYTHON}-slim-bookworm"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    scratch = Path(tempfile.mkdtemp(prefix="storywatch-engine-"))
    try:
        with Engine(scratch=scratch) as running:
            running.import_debian(BASE, ["ca-certificates", "python3", "python3-pip", "python3-venv"])
            yield running
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@pytest.fixture(scope="module")
def image(engine: Engine) -> str:
    tag = "storywatch:test"
    engine.docker("build", "--network", "host", "--build-arg", f"PYTHON_VERSION={PYTHON}", "-t", tag, ROOT, timeout=600)
    return tag


@pytest.fixture(scope="module")
def postgres_image(engine: Engine) -> str:
    folder = Path(__file__).with_name("postgres-standin")
    engine.docker("build", "--network", "host", "--build-arg", f"BASE={BASE}", "-t", "postgres:15", folder, timeout=600)
    return "postgres:15"


@pytest.fixture
def compose(engine: Engine, image: str, tmp_path: Path) -> Iterator[Compose]:
    password = tmp_path / "postgres_password"
    password.write_text(secrets.token_hex(16))
    password.chmod(0o644)  # read inside by the services' own users
    tmp_path.chmod(0o700)
    stack = Compose(
        engine=engine,
        project=f"storywatch{secrets.token_hex(4)}",
        env={"STORYWATCH_TAG": image.partition(":")[2], "STORYWATCH_PORT": "0", "STORYWATCH_SECRETS": str(tmp_path)},
    )
    yield stack
    stack("--profile", "postgres", "--profile", "scale", "down", "--volumes", "--timeout", "15")


def get(address: str, path: str) -> tuple[int, str]:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
        return answer.status, answer.read().decode()


def test_the_default_stack_needs_no_configuration(compose: Compose) -> None:
    compose("up", "--detach", "--no-build")
    compose.wait_until_healthy("storywatch")
    address = compose.address("storywatch", 8080)
    assert get(address, "/healthz")[0] == 200
    status = compose("exec", "-T", "storywatch", "storywatch", "status")
    assert "1 run" in status

    # The settings and a secret, as the guide has them written; a backup, and back again.
    write = "umask 077; cat > mail.password"
    compose("exec", "-T", "storywatch", "sh", "-c", write, stdin="hunter2\n")
    compose("exec", "-T", "storywatch", "sh", "-c", "cat > storywatch.toml", stdin=MAIL)
    compose("restart", "storywatch")
    compose.wait_until_healthy("storywatch")
    subscriptions = json.loads(compose("exec", "-T", "storywatch", "storywatch", "subscriptions", "list", "--json"))
    assert [one["name"] for one in subscriptions] == ["desk"]
    compose("exec", "-T", "storywatch", "storywatch", "backup", "/data/storywatch-backup.db")
    compose("stop", "storywatch")
    compose("run", "--rm", "-T", "storywatch", "restore", "--overwrite", "/data/storywatch-backup.db")
    compose("up", "--detach", "--no-build")
    compose.wait_until_healthy("storywatch")


def test_the_container_runs_with_the_least_rights(engine: Engine, compose: Compose) -> None:
    compose("up", "--detach", "--no-build")
    compose.wait_until_healthy("storywatch")
    (found,) = json.loads(engine.docker("inspect", compose.container("storywatch")))
    assert found["Config"]["User"] == "storywatch"
    assert found["HostConfig"]["ReadonlyRootfs"] is True
    assert found["HostConfig"]["CapDrop"] == ["ALL"]
    assert found["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
    assert found["HostConfig"]["Memory"] > 0
    assert all(b["HostIp"] == "127.0.0.1" for b in found["HostConfig"]["PortBindings"]["8080/tcp"])
    written = compose("exec", "-T", "storywatch", "sh", "-c", "touch /app/x 2>/dev/null || echo refused")
    assert written.strip() == "refused"


def test_the_service_outlives_a_kill_and_keeps_its_database(engine: Engine, compose: Compose) -> None:
    compose("up", "--detach", "--no-build")
    compose.wait_until_healthy("storywatch")
    stories = "storywatch stories list --json"
    before = compose("exec", "-T", "storywatch", "sh", "-c", stories)
    compose("kill", "-s", "SIGKILL", "storywatch")
    compose("up", "--detach", "--no-build")
    compose.wait_until_healthy("storywatch")
    assert compose("exec", "-T", "storywatch", "sh", "-c", stories) == before


@pytest.mark.usefixtures("postgres_image")
def test_the_postgres_profile_runs_on_postgresql(compose: Compose) -> None:
    compose("--profile", "postgres", "up", "--detach", "--no-build", "storywatch-postgres")
    compose.wait_until_healthy("storywatch-postgres")
    assert get(compose.address("storywatch-postgres", 8080), "/healthz")[0] == 200
    assert compose("exec", "-T", "storywatch-postgres", "storywatch", "status").strip()
    stories = compose("exec", "-T", "postgres", "psql", "-U", "storywatch", "-Atc", "select count(*) from stories")
    assert int(stories) >= 1


@pytest.mark.usefixtures("postgres_image")
def test_the_scale_profile_runs_a_scheduler_two_workers_a_page_and_a_backup(engine: Engine, compose: Compose) -> None:
    compose("--profile", "scale", "up", "--detach", "--no-build", "--scale", "worker=2", "page", "backup")
    for service in ("page", "scheduler", "backup"):
        compose.wait_until_healthy(service)
    first, second = compose.containers("worker")
    for container in (first, second):
        compose.wait_until_container_healthy(container)
    assert get(compose.address("page", 8080), "/readyz")[0] == 200
    for container in (first, second, *compose.containers("scheduler"), *compose.containers("page")):
        (found,) = json.loads(engine.docker("inspect", container))
        assert found["HostConfig"]["ReadonlyRootfs"] is True
        assert found["HostConfig"]["CapDrop"] == ["ALL"]
        assert found["HostConfig"]["Memory"] > 0
        assert found["HostConfig"]["LogConfig"]["Config"]["max-size"] == "10m"
        assert not any("PASSWORD=" in line for line in found["Config"]["Env"])
    dumps = compose("exec", "-T", "backup", "sh", "-c", "pg_restore --list storywatch-*.dump")
    assert "TABLE public stories" in dumps
    assert "storywatch_queue" not in dumps

    # The demo's history through two workers on the stack's own server.
    compose("exec", "-T", "postgres", "createdb", "-U", "storywatch", "demo")
    play = (
        "storywatch demo --workers 2 --database-url "
        "postgresql+psycopg://storywatch:$(cat /run/secrets/postgres_password)@postgres/demo"
    )
    told = engine.docker("exec", first, "sh", "-c", play, timeout=400)
    assert "44 → 225" in told

    engine.docker("kill", "--signal", "KILL", second)
    compose.wait_for_words("scheduler", "1 workers are silent and given up", seconds=30)
    parts = json.loads(compose("exec", "-T", "page", "storywatch", "status", "--json"))["parts"]
    assert sorted((one["role"], one["leads"]) for one in parts if one["live"] and one["role"] != "worker") == [
        ("page", False), ("scheduler", True)
    ]  # fmt: skip

    # A dump is put back, as the guide has it.
    stack = ("--profile", "scale")
    compose(*stack, "stop", "page", "scheduler", "worker")
    for command in ("dropdb --force", "createdb"):
        compose(*stack, "exec", "-T", "postgres", *command.split(), "--username=storywatch", "storywatch")
    back = "cat storywatch-*.dump | PGPASSWORD=$(cat /run/secrets/postgres_password) pg_restore --host=postgres "
    back += "--username=storywatch --dbname=storywatch --exit-on-error"
    compose(*stack, "exec", "-T", "backup", "sh", "-c", back)
    compose(*stack, "up", "--detach", "--no-build", "--scale", "worker=2", "page", "backup")
    compose.wait_until_healthy("page")
    assert get(compose.address("page", 8080), "/readyz")[0] == 200
