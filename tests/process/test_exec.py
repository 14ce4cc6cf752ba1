"""
EXEC with real processes: whatever a script tries stays inside, and the cluster does not notice.

Each test runs with each backend; one that this machine cannot have is skipped, and says why.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted

from dfs.sandbox import launch
from tests.process.processes import ROOT, Cluster, Daemon, Ended, Process, run, within
from tests.process.site import MARK, Site, children, until

#: A shell in a user namespace of its own runs what follows where nobody gets another one.
CONFINED = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'


@pytest_twisted.async_yield_fixture(scope="module", params=["bubblewrap", "namespaces"])
async def shared_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """A running cluster with EXEC by one backend, for all tests that need one."""
    cluster = Cluster(tmp_path_factory.mktemp(request.param))
    try:
        running = Site(cluster, request.param)
        await running.begin()
        yield running
    finally:
        await cluster.stop()


@pytest_twisted.async_yield_fixture
async def site(shared_site: Site) -> AsyncIterator[Site]:
    """The same, as it is for one test: its name server runs, and is not logged before."""
    shared_site.quiet_since = len(shared_site.nm.events)
    yield shared_site
    print(shared_site.nm.text)
    if not shared_site.nm.running:
        await shared_site.restart()


# ------------------------------------------------------------------------------ good scripts


@within(60)
async def test_script(site: Site) -> None:
    """A script has the usual programs, an empty folder, no environment, and its status counts."""
    script = (
        "echo one | awk '{print $1, \"two\"}' >here; cat here; ls; pwd\n"
        "cat; echo wrong >&2; echo out >/dev/stdout; env | grep -v ^PWD=; exit 3\n"
    )
    ran = await site.exec(script)
    assert ran.stdout == "one two\nhere\n/tmp\nwrong\nout\n"
    assert ran.status == 1
    assert "status 3" in ran.text
    again = await site.exec("ls; exit 0")
    assert (again.stdout, again.status) == ("", 0)


@within(60)
async def test_as_it_comes(site: Site) -> None:
    """Output comes while the script runs."""
    running = await site.started("echo begun; sleep 3; echo ended\n")
    assert "ended" not in running.text
    assert running.running
    assert await running.exited() == 0
    assert running.stdout == "begun\nended\n"


# ------------------------------------------------------------------------------------- bombs


@within(120)
async def test_fork_bomb(site: Site) -> None:
    """A fork bomb has few processes, ends within 10 s, and the cluster works on meanwhile."""
    await site.put("perl -e 'fork while 1' 2>/dev/null\n")
    running = Process(site.cluster.client("EXEC", "script.sh"), site.cluster.path)
    most = done = 0
    while running.running:
        made = await site.cluster.dfs("PUT", "-", f"made{done}.txt", typed="more")
        assert made.status == 0, made.text
        done += 1
        most = max(most, len(site.left()))
    assert "terminated" in running.text
    assert 20 < most <= 34
    assert done
    assert site.left() == []
    site.undisturbed()


@within(120)
async def test_memory_bomb(site: Site) -> None:
    """One process has little memory, all together have no more, and the cluster works on."""
    ran = await site.exec("perl -e '$x = \"a\" x (1 << 30); print length $x'\n")
    assert ran.status == 1
    assert "1073741824" not in ran.stdout
    many = (
        "for i in 1 2 3 4 5 6 7 8; do\n perl -e '$x = \"a\" x (90 << 20); sleep 9' &\ndone; wait\n"
    )
    running, done = await site.busy(many)
    assert "terminated: it had more than 256 MiB of memory" in running.text
    assert done
    site.undisturbed()


@within(120)
async def test_processor(site: Site) -> None:
    """Endless loops end, and take the processor from nobody."""
    loops = "for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; wait; sleep 60\n"
    running, done = await site.busy(loops)
    assert "terminated" in running.text
    assert done
    site.undisturbed()


@within(60)
async def test_sleep(site: Site) -> None:
    """H63: a script that would sleep for a minute is terminated after 10 s."""
    ran = await site.exec(f"sleep 60; echo {MARK}\n")
    assert "terminated: it ran for more than 10 s" in ran.text
    assert (ran.status, ran.stdout) == (1, "")


@within(60)
async def test_flood(site: Site) -> None:
    """Of a gigabyte of output 1 MiB comes, and a note."""
    ran = await site.exec("head -c 1073741824 /dev/zero\n")
    assert len(ran.stdout) == 1024 * 1024
    assert "terminated: its output is cut at 1 MiB" in ran.text


@within(60)
async def test_disk(site: Site) -> None:
    """A script fills its own folder, with bytes or with files, and nothing else."""
    ran = await site.exec(
        "for i in 1 2 3; do head -c 8000000 /dev/zero >f$i || echo full; done 2>/dev/null\n"
        "rm -f f*; i=0; while (: >n$i) 2>/dev/null; do i=$((i + 1)); done; echo $i\n"
    )
    full, files = ran.stdout.split()
    assert full == "full"
    assert 1000 < int(files) < 5000


# ----------------------------------------------------------------------------------- escapes


@within(60)
async def test_write_outside(site: Site) -> None:
    """Nothing outside of a script's own folder can be written or made."""
    targets = ["/", "/usr", "/usr/bin", "/etc", "/dev", "/var/tmp", "/home", "/root"]
    targets.append(str(site.path))
    script = "".join(f"(echo x >{target}/escaped) 2>/dev/null && echo yes\n" for target in targets)
    # Its own folder has the name of one outside.
    script += (
        f"mkdir -p {site.path}/new; rm -f /script && echo yes; (: >>/usr/bin/env) && echo yes\n"
    )
    script += "chmod 755 /usr 2>/dev/null && echo yes; mount -t tmpfs x /usr && echo yes\n"
    script += "unshare -Ur true && echo yes; echo 1 >/proc/sys/kernel/panic; ls /usr/bin/env\n"
    ran = await site.exec(script)
    assert "yes" not in ran.stdout.splitlines()
    assert "/usr/bin/env" in ran.stdout
    assert not [target for target in targets if Path(target, "escaped").exists()]
    assert not (site.path / "new").exists()


@within(60)
async def test_read_data(site: Site) -> None:
    """The data of the name server, its secret, and the files of its machine cannot be read."""
    wanted = [
        site.path / "nm" / "journal.db",
        site.path / "cluster.secret",
        site.path / "ss1" / "store.db",
        Path("/etc/shadow"),
        Path(__file__),
        Path(f"/proc/{site.nm.pid}/environ"),
    ]
    assert wanted[0].exists()
    assert wanted[1].exists()
    script = "".join(f"cat {path} && echo yes\n" for path in wanted)
    script += "ls /proc/1/root/ /proc/1/fd/ /proc/1/cwd/ >/dev/null && echo $?\n"
    script += "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -v PWD= | grep =\n"
    ran = await site.exec(script)
    assert "yes" not in ran.stdout.splitlines()
    assert site.path.joinpath("cluster.secret").read_text().strip() not in ran.stdout


@within(60)
async def test_port(site: Site) -> None:
    """The port of the name server cannot be reached, nor any other."""
    port = site.cluster.address.rpartition(":")[2]
    reach = f"bash -c 'echo STATUS >/dev/tcp/127.0.0.1/{port} && echo yes' 2>&1\n"
    ran = await site.exec(f"{reach}cat /proc/net/tcp | wc -l\n")
    assert "yes" not in ran.stdout
    assert ran.stdout.split()[-1] == "1"


@within(60)
async def test_descriptors(site: Site) -> None:
    """H63: a script inherits nothing: no input, its output twice, and no other descriptor."""
    ran = await site.exec("readlink /proc/self/fd/*; echo --; ls /proc/$$/fd\n")
    read, _, numbers = ran.stdout.partition("--\n")
    lines = read.split()
    assert lines[0] == "/dev/null"
    assert lines[1] == lines[2]
    assert lines[1].startswith("pipe:")
    # The shell has the script open besides.  In a pipeline it would have ends of pipes, too.
    assert len(numbers.split()) <= 4
    assert not [line for line in lines if "socket" in line or ".db" in line]


@within(60)
async def test_kill(site: Site) -> None:
    """H63: a script can kill neither its parent nor anybody else outside."""
    pids = [site.nm.pid, *(server.pid for server in site.cluster.servers.values()), os.getpid()]
    script = f"kill -9 $PPID; kill -9 1; kill -9 {' '.join(map(str, pids))}; kill -9 -1\n"
    ran = await site.exec(script + "echo alive\n")
    assert "alive" in ran.stdout
    assert site.nm.running
    site.undisturbed()


@within(60)
async def test_daemon(site: Site) -> None:
    """H63: what a script leaves behind ends with it, however it was set apart."""
    script = (
        f"setsid sleep {MARK} &\n(setsid sh -c 'trap \"\" 1 2 15; sleep {MARK} & wait' &)\n"
        f"nohup sleep {MARK} >/dev/null 2>&1 &\necho gone\n"
    )
    ran = await site.exec(script)
    assert (ran.stdout, ran.status) == ("gone\n", 0)


@within(90)
async def test_hold_the_port(site: Site) -> None:
    """H63: a script that listens on the port of the name server keeps nobody from it."""
    port = site.cluster.address.rpartition(":")[2]
    listen = f"LocalAddr => q(0.0.0.0), LocalPort => {port}, Listen => 1"
    running = await site.started(
        f"perl -MIO::Socket::INET -e 'print IO::Socket::INET->new({listen}) ? 1 : 0'\n"
        f"setsid sleep {MARK} & echo begun; sleep {MARK}\n"
    )
    assert running.stdout.startswith("0begun")
    await site.nm.kill()
    await site.restart()
    await until(lambda: site.left() == [], "the script ends with the name server")


# --------------------------------------------------------------------------------------- end


@within(60)
async def test_killed(site: Site) -> None:
    """H63: when the name server is killed, no process of a script survives it."""
    await site.started(f"setsid sleep {MARK} & echo begun; sleep {MARK}\n")
    assert site.left()
    await site.nm.kill()
    await until(lambda: site.left() == [], "the script ends with the name server")


@within(60)
async def test_stopped(site: Site) -> None:
    """A name server that stops ends its scripts first, also one that does not want to."""
    running = await site.started(f"trap '' TERM; echo begun; sleep {MARK}\n")
    assert await site.nm.stop() == -signal.SIGTERM
    assert site.left() == []
    assert "Traceback" not in site.nm.text
    assert await running.exited() == 1


@within(60)
async def test_nobody_listens(site: Site) -> None:
    """A script whose user goes away is ended."""
    running = await site.started(f"echo begun; sleep {MARK}\n")
    await running.kill()
    event = await site.nm.logged("exec_ended", after=site.quiet_since)
    assert "nobody listens" in event["note"]
    await until(lambda: site.left() == [] and children(site.nm.pid) == [], "the script is ended")


# ------------------------------------------------------------------------------------ no EXEC


@within(60)
async def test_off(empty_cluster: Cluster) -> None:
    """EXEC is off by default, and says how it is turned on."""
    await empty_cluster.start("ss1")
    await empty_cluster.dfs("PUT", "-", "a.sh", typed="echo hello\n")
    ran = await empty_cluster.dfs("EXEC", "a.sh")
    assert ran.status == 1
    assert "[UNSUPPORTED]" in ran.text
    assert "--enable-exec" in ran.text


@within(60)
async def test_no_isolation(empty_cluster: Cluster) -> None:
    """Where the system gives no isolation EXEC stays off, and whoever asks is told why."""
    nm = Daemon(
        [
            *("dfs-nm", "--listen", "tcp:0:interface=127.0.0.1", "--enable-exec"),
            *("--data", str(empty_cluster.path / "nm"), "--secret", str(empty_cluster.secret)),
        ],
        empty_cluster.path,
        before=("unshare", "-Ur", "sh", "-c", CONFINED, "sh"),
    )
    empty_cluster.nm = nm
    try:
        empty_cluster.address = await nm.listening()
    except Ended:
        if "unshare" in nm.text or "/proc/sys" in nm.text:
            pytest.skip(f"THIS MACHINE GIVES NO USER NAMESPACE TO TEST WITH: {nm.text}")
        raise
    event = await nm.logged("exec_off")
    assert "a namespace of its own" in event["reason"]
    await empty_cluster.start_ss("ss1")
    await empty_cluster.dfs("PUT", "-", "a.sh", typed="echo hello\n")
    ran = await empty_cluster.dfs("EXEC", "a.sh")
    assert "[UNSUPPORTED]" in ran.text
    assert "a namespace of its own" in ran.text


@pytest.mark.parametrize("backend", ["bubblewrap", "namespaces"])
@within(60)
async def test_ordinary_user(backend: str, tmp_path: Path) -> None:
    """Scripts are shut in also where the name server does not run as root."""
    python = "/usr/bin/python3"
    if os.geteuid() or not Path(python).exists():
        pytest.skip(f"NOT TESTED HERE: an ordinary user needs root to be, and {python}")
    with tempfile.TemporaryDirectory() as place:
        # This checkout, and its Python, may be where only root can go.
        os.chmod(place, 0o755)
        shutil.copytree(ROOT / "dfs" / "sandbox", Path(place, "dfs", "sandbox"))
        begin = f"import sys, os; sys.path.insert(0, {place!r}); sys.argv[2] = str(os.getppid()); "
        begin += "from dfs.sandbox.helper import main; main()"
        other = ["setpriv", "--reuid", "61234", "--regid", "61234", "--clear-groups"]
        command = [*other, python, "-I", "-S", "-B", "-c", begin, backend, "-"]
        ran = await run(command, tmp_path, typed=launch.TEST.decode())
    report = ran.text.removeprefix(ran.stdout)
    if "failed" in report:
        pytest.skip(f"{backend} IS NOT TESTED FOR ORDINARY USERS HERE: {report}")
    assert ran.stdout == launch.PROOF.decode()
    assert '{"status": 0}' in ran.text
