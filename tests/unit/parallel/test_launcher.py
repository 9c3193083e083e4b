"""The store through which the processes of a run find each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan_lightning.parallel.launcher import store_on_loopback

TABLES = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
LISTENS = "0A"


@pytest.mark.skipif(not TABLES[0].is_file(), reason="only Linux lists its sockets there")
def test_the_store_listens_on_loopback_only() -> None:
    store = store_on_loopback(processes=2)
    rows = [line.split() for table in TABLES if table.is_file() for line in table.read_text().splitlines()[1:]]
    addresses = [row[1].split(":") for row in rows if row[3] == LISTENS]
    assert [address for address, port in addresses if int(port, 16) == store.port] == ["0100007F"]
    store.set("key", "value")
    assert store.get("key") == b"value"
