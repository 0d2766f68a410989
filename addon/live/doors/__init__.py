"""Other people's trackers come in and our performance goes out, over UDP: Live Link Face, iFacialMocap, VMC, OSC."""
from .door import Door
from .opening import is_door, open_door
from .osc import OscOut
from .vmc import VmcOut

__all__ = ["Door", "OscOut", "VmcOut", "is_door", "open_door"]
