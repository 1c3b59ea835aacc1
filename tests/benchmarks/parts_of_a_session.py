"""Parts that end in every way."""

import subprocess
import sys
import time

TICKS = "import sys, time\nfor n in range(600):\n  open(sys.argv[1], 'w').write(str(n))\n  time.sleep(0.05)"


def slow(setup):
    subprocess.Popen([sys.executable, "-c", TICKS, str(setup.out / "alive")])
    yield {"known": 1}
    time.sleep(60)


def broken(setup):
    raise ValueError("it broke")
    yield


def quick(setup):
    yield {"seconds": setup.seconds}
