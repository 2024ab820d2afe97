"""The processes that torchrun starts side by side, on one machine or many."""

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

_GLANCE_S = 0.05

_PATIENCE = timedelta(days=30)
"""A rank waits for the slowest; torchrun, not a time limit, ends those whose partner died."""


@dataclass(frozen=True)
class Ranks:
    """One process among ``world``; alone by default.

    Parameters
    ----------
    rank
        Of this process, from 0; 0 writes what is written once.
    world
        Number of processes.
    device
        On which this process works; CUDA devices talk by nccl, others by gloo.
    """

    rank: int = 0
    world: int = 1
    device: torch.device | str = "cpu"

    @classmethod
    def join(cls, device: torch.device) -> Ranks:
        """Meet the processes that torchrun started with this one, if it did."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if world == 1:
            return cls(device=device)
        if not dist.is_initialized():
            store, rank, _ = next(rendezvous("env://"))
            cuda = device.type == "cuda"
            dist.init_process_group(
                "nccl" if cuda else "gloo",
                store=PrefixStore(_meet(store, rank, world), store),
                rank=rank,
                world_size=world,
                timeout=_PATIENCE,
                device_id=device if cuda else None,
            )
            atexit.register(dist.destroy_process_group)
        return cls(dist.get_rank(), dist.get_world_size(), device)

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes what is written once."""
        return self.rank == 0

    def agree(self, question: Callable[[], bool]) -> bool:
        """Return the first rank's answer to a question that no other rank is asked."""
        answer = question() if self.is_first else False
        if self.world == 1:
            return answer
        told = torch.tensor([int(answer)], device=self.device)
        dist.broadcast(told, 0)
        return bool(told.item())

    def wait(self) -> None:
        """Return when all ranks are here."""
        if self.world > 1:
            here = torch.ones(1, device=self.device)
            dist.all_reduce(here)
            here.item()  # a CUDA device would otherwise let the processor run ahead

    def take_cores(self, *, shared: bool) -> None:
        """Use a fair share of this machine's processors, or all of them.

        torchrun gives each process one thread; a number in ``OMP_NUM_THREADS`` above that is kept.
        """
        if self.world > 1 and os.environ.get("OMP_NUM_THREADS", "1") == "1":
            neighbours = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if shared else 1
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // neighbours))


def _meet(store: Any, rank: int, world: int) -> str:
    """Return a name for this meeting of the ranks that no earlier one had.

    torchrun keeps its store when it starts processes again, with the addresses that dead ones left
    in it. So each process says that it is here by a word of its own; the first rank names a meeting
    of those it heard of, anew when it hears of another; and the meeting begins once all have come.
    """
    return _attend(store, rank) if rank else _invite(store, range(1, world))


def _invite(store: Any, others: range) -> str:
    name, guests = "", [""]
    while True:
        if store.check([f"here/{other}" for other in others]):
            heard = [str(store.get(f"here/{other}").decode()) for other in others]
            if heard != guests:
                name, guests = uuid4().hex, heard
                store.set("meeting", " ".join([name, *guests]))
            if store.check([f"{name}/{other}" for other in others]):
                store.set(f"{name}/begin", "now")
                return name
        time.sleep(_GLANCE_S)


def _attend(store: Any, rank: int) -> str:
    own = uuid4().hex
    store.set(f"here/{rank}", own)
    while True:
        if store.check(["meeting"]):
            name, *guests = str(store.get("meeting").decode()).split()
            if own in guests:
                store.set(f"{name}/{rank}", "come")
                if store.check([f"{name}/begin"]):
                    return name
        time.sleep(_GLANCE_S)
