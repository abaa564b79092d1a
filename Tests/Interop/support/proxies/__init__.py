"""Real proxies in front of the server: as they come, badly configured, and as `freshet proxy-config` configures them."""

from .running import Front, Place, start_all, stop_all
from .setups import OURS, SETUPS, ours

__all__ = ["Front", "Place", "OURS", "SETUPS", "ours", "start_all", "stop_all"]
