"""`storywatch alerts` as a desk uses it: test what is set up, see what was told, decide, silence."""

from pathlib import Path

from tests.support.commandline import CommandLine
from tests.support.receiver import Receiver
from tests.support.smtp import MailServer


def test_every_channel_and_address_is_a_line_of_the_test(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, COLUMNS="240")
    with MailServer() as mail, Receiver() as inside:
        mail.per_recipient = {"gone@example.org": "550 no such person"}
        line.write(
            "storywatch.toml",
            f"""
[email]
host = "127.0.0.1"
port = {mail.port}
tls = "none"

[[channels]]
name = "inside"
type = "webhook"
url = "{inside.url}/secret-path"
secret = "whsec_c3Rvcnl3YXRjaC1kZW1vLXNlY3JldC0yMDIy"

[[channels]]
name = "unsigned"
type = "webhook"
url = "https://hook.example/x"
secret = "whsec_%%%"

[[channels]]
name = "people"
type = "email"
to = ["gone@example.org", "here@example.org"]
""",
        )
        done = line.run("alerts", "test")
        assert done.returncode == 1
        rows = {
            name: row
            for row in done.stdout.splitlines()
            for name in ("inside", "unsigned", "gone@", "here@")
            if name in row
        }
        assert "failed" in rows["inside"]
        assert "network.allow_private = true" in " ".join(done.stdout.split())
        assert "secret-path" not in done.stdout + done.stderr
        assert "failed" in rows["unsigned"]
        assert "550 no such person" in rows["gone@"]
        assert "delivered" in rows["here@"]
        assert not inside.calls
        assert line.run("alerts", "test", "people").returncode == 1
        wrong = line.run("alerts", "test", "peple")
        assert (wrong.returncode, "did you mean 'people'?" in wrong.stderr) == (1, True)
        doctor = " ".join(line.run("doctor").stdout.split())
        assert "channel 'unsigned': a secret is not base64" in doctor
        assert "inside: 127.0.0.1 is 127.0.0.1, not of the public internet" in doctor
        mail.per_recipient = {}
        assert line.run("alerts", "test", "people").returncode == 0
