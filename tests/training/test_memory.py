import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import numpy as np
from lofivpr.training.memory import keep_large_blocks
if sys.argv[1] == "keep":
    assert keep_large_blocks()
def step():
    np.ones(64 * 2**20, dtype=np.uint8)
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode: str) -> int:
    return int(subprocess.run([sys.executable, "-c", PROGRAM, mode], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_large_blocks_are_used_again_instead_of_being_mapped_anew() -> None:
    # Page faults count what the kernel must clear; unlike seconds they do not depend on who else is working.
    assert faults("keep") * 10 < faults("default")
