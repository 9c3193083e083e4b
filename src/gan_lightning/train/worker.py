"""The program of a child process: read the settled job from standard input, build it, and train as one of its ranks."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import suppress


def main() -> None:
    """Entry point of ``python -m gan_lightning.train.worker``, which :mod:`gan_lightning.parallel.launcher` starts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; rank 0 decides and tells the others
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit("gan_lightning.train.worker is started by the run that it belongs to; start train.py instead.")
    payload = json.loads(line)
    sys.path[:] = payload.pop("sys_path")
    threading.Thread(target=_end_with_the_parent, daemon=True, name="parent").start()

    from torch.distributed import TCPStore

    from gan_lightning.errors import Ill, UserError
    from gan_lightning.parallel.launcher import FAILED
    from gan_lightning.train.build import Job, one_run_in_this_process, prepare

    rank = os.environ["LOCAL_RANK"]
    store = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False)
    try:
        job = Job(**payload)
        with one_run_in_this_process(job.checkpoint):
            ready = prepare(job, store=store)
            ready.trainer.fit(ready.game, datamodule=ready.data, ckpt_path=job.checkpoint, weights_only=True)
    except Ill:
        sys.exit(1)  # rank 0 has the same error, and goes on without this process
    except Exception as error:
        message = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        with suppress(RuntimeError):  # if rank 0, which keeps the store, has ended first
            store.set(FAILED.format(rank=rank), " ".join(message.split()))
        if isinstance(error, UserError):
            sys.exit(f"error (process {rank}): {error}")
        raise


def _end_with_the_parent() -> None:
    """End this process when the parent ends, even by SIGKILL, because then nobody is left to train with.

    The parent holds the other end of standard input, which is a pipe and closes when the parent ends.
    """
    while os.read(0, 1):  # not through Python's buffer, whose lock would be held when the interpreter ends
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
