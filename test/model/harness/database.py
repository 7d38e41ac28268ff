"""A database of one's own for a test, reached through psql as libpq does."""
import os
import subprocess
import sys


def psql(database, script):
    """The lines that a script prints, fields parted by a blank."""
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", " ", "-v", "ON_ERROR_STOP=1", "-d", database],
                          input=script, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print("Bail out! " + done.stderr.strip().replace("\n", " | "))
        sys.exit(1)
    return done.stdout.splitlines()


class Database:
    """A fresh database with the extension, dropped in the end."""

    def __init__(self, name):
        self.name = f"ccc_{name}_{os.getpid()}"

    def __enter__(self):
        psql("postgres", f"CREATE DATABASE {self.name};")
        self.run("CREATE EXTENSION ccc_billing;")
        return self

    def __exit__(self, *_):
        psql("postgres", f"DROP DATABASE {self.name};")

    def run(self, script):
        return psql(self.name, script)


class Tap:
    """Counts tests; a test that fails shows what is wrong."""

    def __init__(self):
        self.done = 0

    def ok(self, wrong, name):
        """A test of that name, passed when nothing is wrong."""
        self.done += 1
        print("not ok" if wrong else "ok", self.done, "-", name)
        for line in list(wrong)[:20]:
            print("#", line)
        if len(wrong) > 20:
            print("# … and", len(wrong) - 20, "more")
        sys.stdout.flush()

    def plan(self):
        print(f"1..{self.done}")
