"""The processes (ranks) that torchrun starts, on one machine or several."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from stimgen.networks.compute_device import own_cores

_POLL_S = 0.05

_TIMEOUT = timedelta(days=30)
"""Practically none: torchrun, not a time limit, ends the ranks if one of them has died."""


@dataclass(frozen=True)
class Ranks:
    """This process among ``world`` processes; by default a single one.

    Parameters
    ----------
    rank
        Rank of this process, from 0; rank 0 writes the common files.
    world
        Number of processes.
    device
        Device of this process; CUDA devices communicate by nccl, others by gloo.
    """

    rank: int = 0
    world: int = 1
    device: torch.device | str = "cpu"

    @classmethod
    def join(cls, device: torch.device) -> Ranks:
        """Join the processes that torchrun started; without torchrun there is only this one."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if world == 1:
            return cls(device=device)
        if not dist.is_initialized():
            store, rank, _ = next(rendezvous("env://"))
            cuda = device.type == "cuda"
            dist.init_process_group(
                "nccl" if cuda else "gloo",
                store=PrefixStore(_name_of_group(store, rank, world), store),
                rank=rank,
                world_size=world,
                timeout=_TIMEOUT,
                device_id=device if cuda else None,
            )
            atexit.register(dist.destroy_process_group)
        return cls(dist.get_rank(), dist.get_world_size(), device)

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, which writes the common files."""
        return self.rank == 0

    def agree(self, question: Callable[[], bool]) -> bool:
        """Return rank 0's answer to a question, on all ranks."""
        answer = question() if self.is_first else False
        if self.world == 1:
            return answer
        told = torch.tensor([int(answer)], device=self.device)
        dist.broadcast(told, 0)
        return bool(told.item())

    def wait(self) -> None:
        """Wait until all ranks have called this method."""
        if self.world > 1:
            here = torch.ones(1, device=self.device)
            dist.all_reduce(here)
            here.item()  # waits for the CUDA device

    def take_cores(self, *, shared: bool) -> None:
        """Use an equal share of this machine's CPU cores, or all of them.

        torchrun sets one thread per process; a larger number in ``OMP_NUM_THREADS`` is kept.
        """
        if self.world > 1 and os.environ.get("OMP_NUM_THREADS", "1") == "1":
            torch.set_num_threads(own_cores(shared=shared))


def _name_of_group(store: Any, rank: int, world: int) -> str:
    """Agree with the other ranks on a name for their group that no earlier group had.

    torchrun keeps its store when it restarts processes, with the addresses of dead ones in it. So
    each process announces itself with a unique id; rank 0 names a group of the announced ids, with
    a new name whenever an id changes; the group starts once all its members have confirmed it.
    """
    return _confirm_group(store, rank) if rank else _name_group(store, range(1, world))


def _name_group(store: Any, others: range) -> str:
    name, members = "", [""]
    while True:
        if store.check([f"id/{other}" for other in others]):
            announced = [str(store.get(f"id/{other}").decode()) for other in others]
            if announced != members:
                name, members = uuid4().hex, announced
                store.set("group", " ".join([name, *members]))
            if store.check([f"{name}/{other}" for other in others]):
                store.set(f"{name}/started", "yes")
                return name
        time.sleep(_POLL_S)


def _confirm_group(store: Any, rank: int) -> str:
    own = uuid4().hex
    store.set(f"id/{rank}", own)
    while True:
        if store.check(["group"]):
            name, *members = str(store.get("group").decode()).split()
            if own in members:
                store.set(f"{name}/{rank}", "yes")
                if store.check([f"{name}/started"]):
                    return name
        time.sleep(_POLL_S)
