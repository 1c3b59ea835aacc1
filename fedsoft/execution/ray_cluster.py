"""A Ray to work on: a small one of our own on this machine, or an existing cluster."""

import contextlib
import logging
import math
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import ray
from ray._private.services import canonicalize_bootstrap_address

from fedsoft.errors import EngineError
from fedsoft.execution.fork_server import one_thread_each

SECONDS_TO_ANSWER = 5.0
RUNS_ON_A_GPU = 8
"""At most so many runs share one GPU: each takes half a gigabyte of its memory before it begins."""


@contextlib.contextmanager
def ray_cluster(address: str | None, cpus: int | None = None) -> Iterator[None]:
    """Start Ray on this machine, or join a cluster, and leave it in the end.

    Args:
        address: of an existing cluster, ``host:port`` or ``auto``; None starts one.
        cpus: how many cores the started one uses; by default all.

    Raises:
        EngineError: Ray does not start, or no cluster answers at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    heeds = signal.getsignal(signal.SIGTERM)
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    try:
        if address is None:
            with one_thread_each():
                ray.init("local", num_cpus=cpus, include_dashboard=False, **quiet)
        else:
            ray.init(find_cluster(address), **quiet)
    except EngineError:
        raise
    except (Exception, SystemExit) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        if address is None:
            raise EngineError(f"Ray did not start on this machine: {reason}; use --workers N.") from None
        raise EngineError(
            f"the Ray cluster at {address} cannot be joined: {reason}; run this on one of its machines, with "
            "its Python and its Ray."
        ) from None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, heeds)  # Ray put its own there, which ends the program at once
    try:
        yield
    finally:
        ray.shutdown()


def find_cluster(address: str) -> str:
    """The ``host:port`` of a cluster that is there; Ray itself takes minutes to find that none is.

    Raises:
        EngineError: the address is not one, or no Ray cluster answers there.
    """
    mend = "start one with `ray start --head`, mend --address, or leave it out to use this machine alone"
    found = address
    if address == "auto":
        try:
            found = canonicalize_bootstrap_address("auto")
        except ConnectionError:
            raise EngineError(f"no Ray cluster runs on this machine; {mend}.") from None
    host, _, port = found.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise EngineError(f'--address takes "auto" or HOST:PORT of an existing Ray cluster, not {address!r}.')
    with grpc.insecure_channel(found) as channel:
        try:
            ask = channel.unary_unary("/ray.rpc.NodeInfoGcsService/CheckAlive")
            ask(b"", timeout=SECONDS_TO_ANSWER)
        except grpc.RpcError:
            raise EngineError(f"no Ray cluster answers at {found}; {mend}.") from None
    return found


def task_options(device: str, resources: Mapping[str, float]) -> dict[str, Any]:
    """What each group of runs asks of Ray: one core, and on ``cuda`` its share of a GPU.

    Args:
        device: ``cpu`` or ``cuda``.
        resources: what the cluster has in all, as `ray.cluster_resources` gives it.

    Raises:
        EngineError: a GPU is asked for, and the cluster has none.
    """
    gpus = 0.0
    if device == "cuda":
        if not resources.get("GPU"):
            raise EngineError('device = "cuda", but the Ray cluster has no GPU; use device = "cpu".')
        sharing = min(RUNS_ON_A_GPU, max(1, math.ceil(resources.get("CPU", 1) / resources["GPU"])))
        gpus = math.floor(1e4 / sharing) / 1e4  # Ray counts in ten-thousandths
    # Lost runs are begun again by us, from where they stood, and not by Ray, from where they began; and a
    # process serves many groups, on a GPU as well.
    return {"num_cpus": 1, "num_gpus": gpus, "max_retries": 0, "max_calls": 0}


def at_once(options: Mapping[str, Any], resources: Mapping[str, float]) -> int:
    """How many groups of runs with these options a cluster executes at the same time; at least one."""
    workers = resources.get("CPU", 1)
    if options["num_gpus"]:
        workers = min(workers, resources["GPU"] // options["num_gpus"])
    return max(1, int(workers))
