"""Dockerfile and compose.yaml: what they name is there, what is copied serves a healthy page, and nothing is open."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from app_process import ROOT, free_port
from copied_page import started

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile as (name, rest), lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.M))
    return [
        (name, rest.strip())
        for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


STEPS = instructions(TEXT)
COPIED = [rest.split() for name, rest in STEPS if name == "COPY"]
ENVIRONMENT = dict(part.split("=", 1) for name, rest in STEPS if name == "ENV" for part in shlex.split(rest))
HEALTH = json.loads(next(rest for name, rest in STEPS if name == "HEALTHCHECK").partition("CMD ")[2])


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """The program's folder as the COPY lines make it."""
    folder = tmp_path_factory.mktemp("image") / "app"
    folder.mkdir()
    for *sources, target in COPIED:
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, folder / target)
    return folder


def test_what_is_copied_is_there_and_the_build_is_sent_nothing_else():
    sources = {source for *found, _ in COPIED for source in found}
    requirements = {"requirements.txt", "requirements-dicom.txt"}
    assert sources == {"app.py", "LICENSE", "echogan", "checkpoints"} | requirements
    assert all((ROOT / source).exists() for source in sources)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == sources


def test_opencv_comes_without_the_window_system_that_the_image_lacks(tmp_path):
    """Elsewhere opencv-python needs the libraries of packages.txt."""
    (run,) = (rest for name, rest in STEPS if name == "RUN" and "pip install" in rest)
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    subprocess.run(["sh", "-c", run.partition("&&")[0]], cwd=tmp_path, check=True)
    wanted = [
        line.partition(">=")[0]
        for line in (tmp_path / "requirements.txt").read_text().splitlines()
        if "opencv" in line
    ]
    assert wanted == ["opencv-python-headless"]
    assert "apt-get" not in TEXT


def test_it_runs_as_a_user_without_rights_and_says_how_to_start():
    assert STEPS[-1] == ("CMD", '["python", "app.py"]')
    user = next(rest for name, rest in STEPS if name == "USER")
    assert not user.startswith(("root", "0"))
    after = [name for name, _ in STEPS[[name for name, _ in STEPS].index("USER") :]]
    assert not {"RUN", "COPY", "ADD"} & set(after)


def test_what_is_copied_serves_a_page_that_its_own_check_finds_healthy(image, tmp_path):
    port = free_port()
    places = {"/data": str(tmp_path / "data"), "/tmp": str(tmp_path / "tmp"), "0.0.0.0": "127.0.0.1"}
    for place in list(places.values())[:2]:
        Path(place).mkdir()
    environment = dict(ENVIRONMENT)
    for name, value in environment.items():
        for before, after in places.items():
            value = value.replace(before, after)
        environment[name] = value
    environment |= {
        "GRADIO_SERVER_PORT": str(port),
        "ECHOGAN_HOSTS": "echo.example.org",
        "TMPDIR": places["/tmp"],
    }
    before = {path for path in image.rglob("*") if path.is_file()}
    check = [sys.executable, *HEALTH[1:-1], HEALTH[-1].replace("7860", str(port))]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 1
    with started(image, environment, tmp_path / "log.txt") as page:
        assert (
            subprocess.run(
                check, capture_output=True, check=False, env=os.environ | {"no_proxy": "*"}
            ).returncode
            == 0
        )
        assert page.http.get("/config", headers={"host": "echo.example.org"}).status_code == 200
        assert page.http.get("/config", headers={"host": "evil.example"}).status_code == 421
    # The root of the container is read-only: the program writes nothing into its own folder.
    assert {path for path in image.rglob("*") if path.is_file()} == before


def test_compose_lets_nothing_out_and_only_the_proxy_in():
    app, proxy = COMPOSE["services"]["app"], COMPOSE["services"]["proxy"]
    assert "ports" not in app
    assert app["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert set(proxy["networks"]) == {"inside", "outside"}
    assert app["read_only"] is True
    assert app["cap_drop"] == ["ALL"]
    assert any(mount.startswith("/tmp:") for mount in app["tmpfs"])
    assert (ROOT / app["build"] / "Dockerfile").is_file()
    mounted = {volume.split(":")[0] for volume in proxy["volumes"]}
    assert (ROOT / "deploy" / "nginx.conf").is_file()
    told = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
    for path in mounted:  # the other two hold secrets: the page says how to make them
        assert (ROOT / path).exists() or path.removeprefix("./") in told


def test_the_proxy_asks_for_a_user_but_not_readers():
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    page, readers = text.partition("location / {")[2].split("location /read/ {")
    assert "auth_basic_user_file /etc/nginx/users;" in page
    assert "auth_basic" not in readers
    assert "error_log /dev/null;" in readers, "a line of the log would name the link, which is secret"
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text


def test_the_proxy_finds_the_page_again_at_another_address():
    """With a name in proxy_pass nginx asks for its address once, and a restarted page is never found again."""
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    assert f"set $app http://app:{ENVIRONMENT['GRADIO_SERVER_PORT']};" in text
    assert set(re.findall(r"proxy_pass (.*);", text)) == {"$app"}
    assert "include /run/resolver.conf;" in text


def test_the_proxy_asks_the_name_server_of_its_own_container(tmp_path):
    *shell, command = COMPOSE["services"]["proxy"]["command"]
    write, _, start = command.partition("&&")
    assert start.strip() == "exec nginx -g 'daemon off;'"
    given, written = tmp_path / "resolv.conf", tmp_path / "resolver.conf"
    given.write_text("search dns.podman\nnameserver 10.89.1.1\nnameserver 10.89.2.1\noptions ndots:0\n")
    write = write.replace("/etc/resolv.conf", str(given)).replace("/run/resolver.conf", str(written))
    subprocess.run([*shell, write.replace("$$", "$")], check=True)
    assert written.read_text() == "resolver 10.89.1.1 valid=10s;\n"


def test_the_name_of_the_page_lies_where_every_compose_command_reads_it():
    """`docker compose ps` refuses, too, where a variable that must be there is not."""
    assert "ECHOGAN_HOSTS:?" in (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert "> .env" in (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("kept", ["runs/a", "studies/a", "dicom-queue/received/a.dcm", "users"])
def test_what_the_program_keeps_in_its_own_folder_cannot_be_committed(kept):
    """It may be a patient's, or a password's hash."""
    command = ["git", "check-ignore", "--no-index", "--quiet", kept]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
