"""Cores, threads and memory that a run may use."""

import pytest

from archlint.runner.resources import cores, job_variables, memory_for_each


@pytest.mark.parametrize(
    ("files", "most"),
    [
        ({"cpu.max": "max 100000"}, 10_000),
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 10_000),
        ({"cpu.max": "nonsense"}, 10_000),
    ],
)
def test_cores_follow_the_quota(files, most, tmp_path):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert cores(tmp_path) == min(most, cores(tmp_path / "none"))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ("4", "4")),
        ({"OMP_NUM_THREADS": "1"}, ("1", "1")),
        ({"MKL_NUM_THREADS": "1"}, ("1", "1")),
        ({"OMP_NUM_THREADS": "2,1"}, ("2", "2")),
        ({"OMP_NUM_THREADS": "8", "MKL_NUM_THREADS": "2"}, ("2", "2")),
        ({"OMP_NUM_THREADS": "4,2"}, ("4", "4")),
        ({"OMP_NUM_THREADS": "0"}, ("4", "4")),
    ],
)
def test_the_users_threads_are_an_upper_limit(environment, expected):
    values = job_variables(4, environment)
    assert (values["OMP_NUM_THREADS"], values["MKL_NUM_THREADS"]) == expected


def test_memory_is_shared_by_the_processes(tmp_path):
    (tmp_path / "memory.max").write_text("8589934592\n")
    (tmp_path / "memory.current").write_text("1073741824\n")
    one, two = (memory_for_each(n, tmp_path) for n in (1, 2))
    assert one <= 0.9 * 7 * 2**30
    assert 2**30 <= two <= one
