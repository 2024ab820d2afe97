import platform
import subprocess
import sys

from stimgen.networks.memory import keep_freed_memory

MEASURE = """
import resource, torch
{setting}
def passes():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(10_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
passes()
print(passes())
"""


def test_it_says_whether_the_library_took_it() -> None:
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")


def test_freed_blocks_are_used_again() -> None:
    def faults(setting: str) -> int:
        code = MEASURE.format(setting=setting)
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    if not keep_freed_memory():
        return
    kept = faults("from stimgen.networks.memory import keep_freed_memory; keep_freed_memory()")
    assert kept < 0.01 * faults("")
